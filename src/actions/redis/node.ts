import { z } from "zod";

const login = {
  user: z.string().min(1).optional(),
  /** Name of the secret; left out: the server asks for no password. */
  passwordFrom: z.string().min(1).optional(),
  /** `verify`: TLS with a trusted certificate; `encrypt`: TLS with any; `off`. */
  tls: z.enum(["verify", "encrypt", "off"]).default("off"),
};
const port = z.number().int().min(1).max(65535);

/** One Redis (or Valkey) server as a runbook names it. */
export const nodeInput = z.strictObject({
  /** What people call it: `cache-eu-1`. */
  name: z.string().min(1).max(63),
  host: z.string().min(1),
  port: port.default(6379),
  ...login,
});
export type Node = z.infer<typeof nodeInput>;

/** A set watched by Sentinels: who they are, what they call it, and the login its data nodes share. */
export const setInput = z.strictObject({
  /** What the Sentinels call the set: `mymaster`. */
  master: z.string().regex(/^[A-Za-z0-9._-]+$/),
  sentinels: z
    .array(z.strictObject({ host: z.string().min(1), port: port.default(26379) }))
    .min(1)
    .max(15),
  /** The Sentinels' own login, where they ask for one. */
  sentinelLogin: z.strictObject(login).prefault({}),
  /** The data nodes' login; the nodes themselves are found through the Sentinels. */
  login: z.strictObject(login).prefault({}),
});
export type RedisSet = z.infer<typeof setInput>;

export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}

export function resourceOf(node: Node): string {
  return `redis:${node.host.toLowerCase()}:${node.port}`;
}

/** One for each Sentinel, so that two lists of the same set that share any Sentinel collide. */
export function resourcesOf({ master, sentinels }: RedisSet): readonly string[] {
  return sentinels.map(({ host, port }) => `redis-sentinel:${host.toLowerCase()}:${port}/${master}`).sort();
}

/** A data node by the address the Sentinels gave. */
export function nodeAt(set: RedisSet, address: string): Node {
  const cut = address.lastIndexOf(":");
  return { name: address, host: address.slice(0, cut), port: Number(address.slice(cut + 1)), ...set.login };
}

export function sentinelsOf(set: RedisSet): readonly Node[] {
  return set.sentinels.map((one) => ({ name: `sentinel ${addressOf(one)}`, ...one, ...set.sentinelLogin }));
}
