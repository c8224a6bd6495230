import { secretsOf } from "../catalog/init-template.ts";
import { type Config, loadConfig } from "../config.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { checkCatalogue, checkSecrets } from "./catalogue.ts";
import { type Finding, fail, ok, skip, warn } from "./finding.ts";
import { checkFolders, checkNode, checkScripts } from "./host.ts";
import { checkBot, checkMail, checkSlack } from "./outside.ts";
import { checkStore } from "./store.ts";

export type { Finding } from "./finding.ts";

/**
 * Looks at everything a bot needs, from where it is run and with a bot's settings, and changes nothing: no migration, no message, no
 * socket to Slack. Never rejects: what can't be looked at is a finding.
 */
export async function examine(env: NodeJS.ProcessEnv, log: Logger): Promise<readonly Finding[]> {
  const node = checkNode(process.versions.node);
  const withSlack = env.SLACK_BOT_TOKEN !== undefined && env.SLACK_BOT_TOKEN !== "";
  const loaded = loadConfig(env, { slack: withSlack, bot: true });
  if (!loaded.ok)
    return [
      node,
      ...loaded.problems
        .trimEnd()
        .split("\n")
        .map((line) => fail("settings", line, "docs/reference/settings.md lists all of them.")),
    ];
  const { config, renamed } = loaded;
  const old = Object.entries(renamed).map(([before, now]) => `${before} is ${now} now`);
  const settings =
    old.length === 0
      ? ok("settings", "Every setting is one this version knows.")
      : warn("settings", `Renamed settings: ${old.join(", ")}.`, "Write the new names; the old ones end with 0.3.");
  const looks = await Promise.all([
    guarded("catalogue", async () => catalogueOf(config, env)),
    guarded("store", () => checkStore(config)),
    guarded("state", () => checkFolders(config)),
    guarded("slack", () => (withSlack ? checkSlack(config, log) : noSlack())),
    guarded("mail", async () => [await checkMail(config)]),
    guarded("authenticators", async () => [authenticators(config)]),
    guarded("bot", async () => [await checkBot(config)]),
  ]);
  return [node, settings, ...looks.flat()];
}

async function noSlack(): Promise<readonly Finding[]> {
  return [
    warn(
      "slack",
      "SLACK_BOT_TOKEN is not set: only `lifeboat bot --no-slack` starts.",
      "README.md, Connect a real Slack.",
    ),
  ];
}

async function catalogueOf(config: Config, env: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  const { catalog, findings } = checkCatalogue(config);
  const named = catalog.systems.flatMap((system) => [
    ...secretsOf(
      system,
      catalog.runbooks.filter((one) => one.system === system.id),
    ).keys(),
  ]);
  return [...findings, checkSecrets([...new Set(named)], env), ...(await checkScripts(config, catalog))];
}

function authenticators({ secretKeys }: Config): Finding {
  return secretKeys.length > 0
    ? ok("authenticators", "People can enroll authenticators.")
    : skip(
        "authenticators",
        "LIFEBOAT_SECRET_KEY is not set: no one can enroll, and approvals that need a code can't be given.",
      );
}

/** A check that breaks says so, and takes no other one with it. */
async function guarded(id: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [fail(id, `This could not be looked at: ${messageOf(error)}.`, "Run it again; if it stays, report it.")];
  }
}
