import type { Problem } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings renamed in 0.2: old name → new name. The old names are read until 0.3. */
export const renamedSettings: Readonly<Record<string, string>> = {
  LIFEBOAT_DOOR_PEOPLE: "LIFEBOAT_CLI_USERS",
  LIFEBOAT_NEW_PROOF_HOURS: "LIFEBOAT_MFA_COOLDOWN_HOURS",
  LIFEBOAT_WATCH_SECONDS: "LIFEBOAT_SPLIT_BRAIN_CHECK_SECONDS",
  LIFEBOAT_WHEN_SLACK_IS_SILENT: "LIFEBOAT_SLACK_UNAVAILABLE",
};

/** Ports that became addresses in 0.2: old name → the address that replaces it. They are read as before until 0.3. */
const replacedByAddress: Readonly<Record<string, string>> = {
  PORT: "LIFEBOAT_PUBLIC_LISTEN",
  LISTEN_HOST: "LIFEBOAT_PUBLIC_LISTEN",
  PAGERDUTY_WEBHOOK_PORT: "LIFEBOAT_PUBLIC_LISTEN",
  STATUS_PAGE_PORT: "LIFEBOAT_PUBLIC_LISTEN",
  HEALTH_PORT: "LIFEBOAT_INTERNAL_LISTEN",
};

/** The environment with every setting under its current name. */
export interface CurrentNames {
  readonly env: Environment;
  /** Old names that are set, and what to write instead. */
  readonly renamed: Readonly<Record<string, string>>;
  /** A setting given under both names with two values. Values aren't repeated: one could be a secret. */
  readonly problems: readonly Problem[];
}

/** Reads old names as new ones. An empty value counts as unset, as everywhere in the configuration. */
export function withCurrentNames(env: Environment): CurrentNames {
  const given = Object.entries(renamedSettings).filter(([old]) => env[old]);
  const problems = given.flatMap(([old, current]) =>
    env[current] && env[current] !== env[old] ? [differs(old, current)] : [],
  );
  const current = { ...env };
  for (const [old, name] of given) {
    current[name] ||= env[old];
    delete current[old];
  }
  return { env: current, renamed: Object.fromEntries(given), problems };
}

/** One warning for all old names that are in use; none where there are none. */
export function warnOfRenamed(log: Pick<Logger, "warn">, renamed: CurrentNames["renamed"]): void {
  if (Object.keys(renamed).length === 0) return;
  log.warn({ event: "config.settings_renamed", use: renamed }, "settings have new names; the old ones work until 0.3");
}

/** Old ports and hosts that are set, each with the address to write instead. Without Slack over HTTP `PORT` is no one's. */
export function formerAddressesIn(env: Environment): Readonly<Record<string, string>> {
  const isRead = (name: string) => env[name] && (name !== "PORT" || env.SLACK_SIGNING_SECRET);
  return Object.fromEntries(Object.entries(replacedByAddress).filter(([name]) => isRead(name)));
}

/** What a setting was called before. */
export function formerNames(setting: string): readonly string[] {
  const all = [...Object.entries(renamedSettings), ...Object.entries(replacedByAddress)];
  return all.filter(([, current]) => current === setting).map(([former]) => former);
}

function differs(old: string, current: string): Problem {
  return {
    code: "config",
    where: `${old} and ${current}`,
    what: "Both names of one setting are set, and their values differ",
    next: `Unset ${old}: ${current} is its new name`,
  };
}
