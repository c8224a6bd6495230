import { hashOf } from "../../lib/canonical.ts";
import { LifeboatError } from "../../lib/errors.ts";

type Tree = Readonly<Record<string, unknown>>;

/** What RabbitMQ exports: who may what, and which queues, exchanges and bindings there are. Never a message. */
export interface Definitions {
  readonly [kind: string]: readonly Tree[];
}

/** How one of a kind is told from the others; what else it has is what may differ. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  vhosts: ["name"],
  users: ["name"],
  permissions: ["user", "vhost"],
  topic_permissions: ["user", "vhost", "exchange"],
  parameters: ["vhost", "component", "name"],
  global_parameters: ["name"],
  policies: ["vhost", "name"],
  queues: ["vhost", "name"],
  exchanges: ["vhost", "name"],
  bindings: ["vhost", "source", "destination", "destination_type", "routing_key", "arguments"],
};

/** Imported, these would make a broker believe it is another cluster. */
const OF_THE_CLUSTER = ["cluster_name", "internal_cluster_id"];

/** @throws LifeboatError when the text is no definitions file */
export function definitionsIn(text: string, where: string): Definitions {
  try {
    const tree = JSON.parse(text) as Tree;
    if (!Array.isArray(tree.queues) || !Array.isArray(tree.bindings)) throw new TypeError("no queues");
    return Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, (tree[kind] ?? []) as readonly Tree[]]));
  } catch {
    throw new LifeboatError({ code: "no-definitions", where, what: "This is no file of RabbitMQ definitions" });
  }
}

/** What of a file is brought into a broker: not which cluster it was, and not the login we use ourselves. */
export function importable(definitions: Definitions, ownUser: string): Definitions {
  const users = definitions.users ?? [];
  const parameters = definitions.global_parameters ?? [];
  return {
    ...definitions,
    users: users.filter(({ name }) => name !== ownUser),
    permissions: (definitions.permissions ?? []).filter(({ user }) => user !== ownUser),
    global_parameters: parameters.filter(({ name }) => !OF_THE_CLUSTER.includes(String(name))),
  };
}

export interface Difference {
  /** `queue /orders`: in the file, and not in the broker. */
  readonly missing: readonly string[];
  /** There, with other settings. Queues and exchanges never change theirs by an import. */
  readonly other: readonly string[];
  /** In the broker, and not in the file: an import deletes nothing. */
  readonly extra: readonly string[];
}

export function differenceOf(wanted: Definitions, there: Definitions, vhost: string | undefined): Difference {
  const [missing, other, extra]: [string[], string[], string[]] = [[], [], []];
  for (const kind of Object.keys(KINDS)) {
    const want = byKey(kind, wanted[kind] ?? [], vhost);
    const have = byKey(kind, there[kind] ?? [], vhost);
    for (const [key, { says, hash }] of want) {
      const found = have.get(key);
      if (!found) missing.push(says);
      // A password's hash has salt of its own; that the user is there is all that can be compared.
      else if (kind !== "users" && found.hash !== hash) other.push(says);
    }
    for (const [key, { says }] of have) if (!want.has(key)) extra.push(says);
  }
  return { missing, other, extra };
}

function byKey(kind: string, things: readonly Tree[], vhost: string | undefined) {
  const names = KINDS[kind] ?? [];
  return new Map(
    things.map((thing) => {
      const full = names.includes("vhost") ? { vhost: vhost ?? "/", ...thing } : thing;
      const key = hashOf(names.map((name) => (full as Tree)[name] ?? null));
      return [key, { says: say(kind, full), hash: hashOf(full) }] as const;
    }),
  );
}

function say(kind: string, thing: Tree): string {
  const { vhost, name, source, destination, routing_key: key, user } = thing;
  const one = kind.replace(/ies$/, "y").replace(/s$/, "").replaceAll("_", " ");
  const what = name ?? (source === undefined ? user : `${source} → ${destination}${key === "" ? "" : ` (${key})`}`);
  return `${one} ${vhost === undefined || vhost === "/" ? "" : `${vhost} `}${what}`;
}

export function countOf(definitions: Definitions): string {
  const counted = ["queues", "exchanges", "bindings", "users", "policies"].map(
    (kind) => `${definitions[kind]?.length ?? 0} ${kind}`,
  );
  return counted.join(", ");
}

/** The same for two exports of the same objects, whatever their order. */
export function identityOf(definitions: Definitions): string {
  const kinds = Object.keys(KINDS).map((kind) => [kind, (definitions[kind] ?? []).map((one) => hashOf(one)).sort()]);
  return hashOf(kinds);
}
