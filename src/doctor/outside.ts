import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { botAt } from "../cli/dr/connection.ts";
import type { Config } from "../config.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { type Finding, fail, ok, skip, warn } from "./finding.ts";

export async function checkSlack({ slack }: Pick<Config, "slack">, log: Logger): Promise<readonly Finding[]> {
  if (slack === null) return [skip("slack", "Slack isn't set up here.")];
  // Bolt and its clients take longer to load than all else.
  const { inspectSlack } = await import("../slack/inspect.ts");
  const { workspace, missingScopes, socket, announcing } = await inspectSlack(slack, log);
  if ("refused" in workspace)
    return [
      fail(
        "slack",
        `Slack doesn't let the bot in: ${workspace.refused}.`,
        "Check SLACK_BOT_TOKEN, and that the app is installed.",
      ),
    ];
  return [
    ok("slack", `Slack lets the bot into ${workspace.name}.`),
    scopesFinding(missingScopes),
    socket === null
      ? ok(
          "slack-transport",
          slack.transport.kind === "http" ? "Slack sends to this bot over HTTP." : "The app-level token opens sockets.",
        )
      : fail(
          "slack-transport",
          `No socket can be opened: ${socket}.`,
          "SLACK_APP_TOKEN needs the scope connections:write.",
        ),
    announcing === undefined
      ? warn("slack-announce", "Slack did not say whether incidents can be announced.", "Run this again.")
      : announcing === null
        ? ok("slack-announce", "Incidents can be announced.")
        : fail("slack-announce", announcing, "Invite the bot there: `/invite @lifeboat`."),
  ];
}

function scopesFinding(missing: readonly string[] | null): Finding {
  if (missing === null) return warn("slack-scopes", "Slack did not name the token's scopes.", "Run this again.");
  if (missing.length === 0) return ok("slack-scopes", "The token has every scope of manifest.yml.");
  return fail(
    "slack-scopes",
    `The token lacks ${missing.join(", ")}.`,
    "Paste manifest.yml into the app and install it again.",
  );
}

const MAIL_SECONDS = 5;

/** Does the mail server take a connection? Nothing is said to it. */
export async function checkMail({ comms }: Pick<Config, "comms">): Promise<Finding> {
  if (comms.mail === null) return skip("mail", "No mail goes out: SMTP_URL is not set.");
  const url = new URL(comms.mail.url);
  const port = Number(url.port || (url.protocol === "smtps:" ? 465 : 587));
  try {
    await withDeadline("The mail server", MAIL_SECONDS, async (signal) => {
      const { address } = await lookup(url.hostname.replace(/^\[|\]$/g, ""));
      await connected(address, port, signal);
    });
    return ok("mail", `The mail server ${url.hostname} takes connections.`);
  } catch (error) {
    return fail(
      "mail",
      `The mail server ${url.hostname} can't be reached: ${messageOf(error)}.`,
      "Check SMTP_URL and the network.",
    );
  }
}

function connected(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}

/** Does a bot run here that `lifeboat dr` can speak to? */
export async function checkBot({ cli }: Pick<Config, "cli">): Promise<Finding> {
  return botAt({ LIFEBOAT_CLI_SOCKET: cli.socket })
    .hello()
    .then(
      () => ok("bot", "A bot runs here and answers `lifeboat dr`."),
      () =>
        warn(
          "bot",
          `No bot answers on ${cli.socket}.`,
          "Start one here, or run this where one runs. With Slack down: `lifeboat bot --no-slack`.",
        ),
    );
}
