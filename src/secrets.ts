import { secretsOf } from "./catalog/init-template.ts";
import type { Scalar } from "./catalog/reference.ts";
import { isOwnName, isPagerName } from "./catalog/secret.ts";
import type { Catalog, System } from "./catalog/types.ts";
import { parseDatabaseUrl } from "./lib/database-url.ts";
import { LifeboatError } from "./lib/errors.ts";

/** A secret by the name the catalogue gives it; throws a `LifeboatError` that names what to do. */
export type ReadSecret = (name: string) => string;

export interface SecretsOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** As they are now. */
  readonly catalog: () => Pick<Catalog, "systems" | "runbooks">;
  /** This installation's values, of production and of the drill environment: a variable may hold a secret's name. */
  readonly values: () => Iterable<ReadonlyMap<string, Scalar>>;
  /** Names that are Lifeboat's own by its settings, whatever they are called: what its webhooks are signed with. */
  readonly reserved?: () => ReadonlySet<string>;
  /** Told of each value that was read, so that it can be kept out of what is written. */
  readonly noted?: (value: string) => void;
}

export interface Secrets {
  /** For actions, probes and scripts. */
  readonly forActions: ReadSecret;
  /** For the pager's keys: what stands in `paging:` of a system, and nothing else. */
  readonly forPaging: ReadSecret;
}

/**
 * Secrets of the environment by name, and only those whose names stand in the catalogue this process has loaded: a plan
 * that asks for another gets nothing, no matter who wrote it. Lifeboat's own are never given away, whatever the catalogue says.
 */
export function createSecrets({ environment, catalog, values, reserved, noted }: SecretsOptions): Secrets {
  const isOwn = (name: string) => isOwnName(name) || (reserved?.().has(name) ?? false);
  const read = (name: string, isListed: boolean): string => {
    if (!isListed) throw notListed(name, isOwn(name));
    const value = environment[name];
    if (!value) throw missing(name);
    noted?.(value);
    return value;
  };
  return {
    forActions(name) {
      const listed = namedIn(catalog(), values());
      // In a drill environment each has its own, under its name and a prefix.
      return read(name, !isOwn(name) && (listed.has(name) || listed.has(name.replace(/^DRILL_/, ""))));
    },
    forPaging: (name) =>
      read(
        name,
        (!isOwn(name) || isPagerName(name)) && catalog().systems.some(({ paging }) => isOfPager(paging, name)),
      ),
  };
}

/** Lifeboat's own: its tokens and keys, and the passwords in its addresses. */
export function ownSecretsIn(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!value || !isOwnName(name)) return [];
    const database = parseDatabaseUrl(value);
    if (database !== null) return passwordOf(database);
    if (URL.canParse(value)) return passwordOf(new URL(value));
    return /TOKEN|SECRET|KEY|PASSWORD/.test(name) ? value.split(",").map((one) => one.trim()) : [];
  });
}

function passwordOf({ password }: Pick<URL, "password">): readonly string[] {
  if (password === "") return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

function withoutPager({ triage, scripts, targets }: System): Parameters<typeof secretsOf>[0] {
  return { scripts, ...(triage && { triage }), ...(targets && { targets }) };
}

function isOfPager(paging: System["paging"], name: string): boolean {
  return paging !== undefined && (paging.routingKeyFrom === name || paging.tokenFrom === name);
}

function namedIn(
  { systems, runbooks }: Pick<Catalog, "systems" | "runbooks">,
  values: Iterable<ReadonlyMap<string, Scalar>>,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const system of systems) {
    const own = runbooks.filter((runbook) => runbook.system === system.id);
    for (const name of secretsOf(withoutPager(system), own).keys()) names.add(name);
    for (const { default: given } of system.variables) addName(names, given);
  }
  for (const given of values) for (const value of given.values()) addName(names, value);
  return names;
}

/** `passwordFrom: ${var.loginFrom}`: the name stands in a value. */
function addName(names: Set<string>, value: unknown): void {
  if (typeof value === "string" && /^[A-Z][A-Z0-9_]*$/.test(value)) names.add(value);
}

function notListed(name: string, isOwn: boolean): LifeboatError {
  return new LifeboatError({
    code: "secret-refused",
    where: name,
    what: isOwn
      ? "This is Lifeboat's own, and is given to nothing that a runbook starts"
      : "No system and no runbook of the catalogue names this secret",
    allowed:
      "Names of environment variables that stand in the catalogue Lifeboat has loaded, and are none of its own settings",
    stateNow: "Nothing was changed by it",
  });
}

function missing(name: string): LifeboatError {
  return new LifeboatError({
    code: "secret-missing",
    where: name,
    what: "This secret is needed, and it is not in the bot's environment",
    stateNow: "Nothing was changed by it",
    next: `Set ${name} and start Lifeboat again`,
  });
}
