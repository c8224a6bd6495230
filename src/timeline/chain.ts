import { hash } from "node:crypto";
import serialize from "canonicalize";
import type { EventToAppend, StoredEvent } from "./contract.ts";
import { jsonSafe, jsonSafeText } from "./json-safe.ts";
import type { Keyring } from "./keys.ts";
import type { Hiding } from "./pseudonyms.ts";

/** What stands before the first event of a stream. */
export const noHash = "0".repeat(64);

/** What an event's hash is over: the canonical JSON (RFC 8785) of everything it says, its place and its predecessor. */
export function eventText(event: Omit<StoredEvent, "hash" | "mac" | "macKey">): string {
  const { stream, version, key, run, type, data, actor, at, previousHash } = event;
  return (
    `{"actor":${serialize(actor)},"at":"${at.toISOString()}","data":${serialize(data)},"key":${JSON.stringify(key)},` +
    `"previousHash":"${previousHash}","run":${JSON.stringify(run)},"stream":${JSON.stringify(stream)},` +
    `"type":${JSON.stringify(type)},"version":${version}}`
  );
}

/**
 * SHA-256 over `eventText`. The outer object is written out, its names in canonical order: a verification walks a hundred
 * thousand of these a second.
 */
export function chainHash(event: Omit<StoredEvent, "hash" | "mac" | "macKey">): string {
  return hash("sha256", eventText(event));
}

/** The events that continue a stream from its head, as they are stored: authenticated, people under what `hide` says, without those whose key it already carries. */
export function linked(
  stream: string,
  head: { readonly version: number; readonly hash: string },
  keys: ReadonlySet<string>,
  events: readonly EventToAppend[],
  at: Date,
  keyring: Pick<Keyring, "authenticate">,
  hide: Hiding["hide"] = (event) => event,
): StoredEvent[] {
  const seen = new Set<string>();
  const links: StoredEvent[] = [];
  let { version, hash: previousHash } = head;
  for (const event of events) {
    const key = jsonSafeText(event.key);
    if (keys.has(key) || seen.has(key)) continue;
    seen.add(key);
    version += 1;
    const said = hide({ key, data: jsonSafe(event.data), actor: jsonSafe(event.actor) });
    const link = { ...said, stream, version, run: event.run ?? null, type: event.type, at, previousHash };
    previousHash = chainHash(link);
    const { mac, macKey } = keyring.authenticate(previousHash);
    links.push({ ...link, hash: previousHash, mac, macKey });
  }
  return links;
}
