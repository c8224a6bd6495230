import { hashOf } from "../lib/canonical.ts";
import type { EventToAppend, StoredEvent } from "./contract.ts";
import { storable, storableText } from "./storable.ts";

/** What stands before the first event of a stream. */
export const noHash = "0".repeat(64);

/** SHA-256 over the canonical JSON of everything the event says, its place and its predecessor. */
export function chainHash(event: Omit<StoredEvent, "hash">): string {
  const { stream, version, key, run, type, data, actor, at, previousHash } = event;
  return hashOf({ stream, version, key, run, type, data, actor, at: at.toISOString(), previousHash });
}

/** The events that continue a stream from its head, without those whose key it already carries. */
export function linked(
  stream: string,
  head: { readonly version: number; readonly hash: string },
  keys: ReadonlySet<string>,
  events: readonly EventToAppend[],
  at: Date,
): StoredEvent[] {
  const seen = new Set<string>();
  const links: StoredEvent[] = [];
  let { version, hash } = head;
  for (const event of events) {
    const key = storableText(event.key);
    if (keys.has(key) || seen.has(key)) continue;
    seen.add(key);
    version += 1;
    const link = {
      stream,
      version,
      key,
      run: event.run ?? null,
      type: event.type,
      data: storable(event.data),
      actor: storable(event.actor),
      at,
      previousHash: hash,
    };
    hash = chainHash(link);
    links.push({ ...link, hash });
  }
  return links;
}
