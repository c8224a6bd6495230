import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { SLACK_EVENTS } from "../http/paths.ts";
import { LifeboatError } from "../lib/errors.ts";
import { projectRoot } from "../lib/root.ts";

/** The app's manifest as YAML, for Socket Mode: `manifest.yml`, with its comments. */
export function socketManifest(): string {
  return readFileSync(join(projectRoot(), "manifest.yml"), "utf8");
}

/** Scopes the bot's token has to have; those the manifest calls optional are not among them. */
export function botScopes(): readonly string[] {
  return parseDocument(socketManifest()).toJS().oauth_config.scopes.bot;
}

/**
 * The same for HTTP: without Socket Mode, and with the request URL in the three places Slack wants it. `address` is where the proxy before
 * the bot is reached from the internet, `https://lifeboat.example.com`; a path is kept. Slack takes HTTPS only.
 *
 * @see https://docs.slack.dev/reference/app-manifest/
 */
export function httpManifest(address: string): string {
  const url = requestUrlAt(address);
  const manifest = parseDocument(socketManifest());
  manifest.setIn(["settings", "socket_mode_enabled"], false);
  manifest.setIn(["settings", "event_subscriptions", "request_url"], url);
  manifest.setIn(["settings", "interactivity", "request_url"], url);
  manifest.setIn(["features", "slash_commands", 0, "url"], url);
  return manifest.toString({ lineWidth: 0 });
}

function requestUrlAt(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol !== "https:" || url.search !== "" || url.hash !== "" || url.username !== "")
    throw new LifeboatError({
      code: "address-not-https",
      what: `"${address}" is no address Slack can send to`,
      allowed: "HTTPS, without a query: https://lifeboat.example.com",
    });
  let path = url.pathname;
  while (path.endsWith("/")) path = path.slice(0, -1);
  return `${url.origin}${path.endsWith(SLACK_EVENTS) ? path : path + SLACK_EVENTS}`;
}
