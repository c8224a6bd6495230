import type { Manifest } from "./manifest.ts";
import type { Bookmark, Canvas, Channel, Json, Message, User, View } from "./objects.ts";
import { personas } from "./people.ts";
import type { Platform } from "./platform.ts";

/** Everything there is to see, as the page and separate processes read it. Ephemerals are told live and in `ephemerals`. */
export interface Snapshot {
  readonly version: number;
  readonly personas: readonly string[];
  readonly users: readonly User[];
  readonly channels: readonly Channel[];
  readonly messages: readonly Message[];
  readonly ephemerals: readonly Message[];
  readonly pins: Readonly<Record<string, readonly { ts: string; created: number; by: string }[]>>;
  readonly bookmarks: Readonly<Record<string, readonly Bookmark[]>>;
  readonly canvases: Readonly<Record<string, Canvas>>;
  readonly modals: Readonly<Record<string, readonly View[]>>;
  readonly homes: Readonly<Record<string, View>>;
  readonly groups: readonly Json[];
  readonly commands: readonly Json[];
  readonly shortcuts: readonly Json[];
}

export function snapshot({ store, manifest }: Platform): Snapshot {
  return {
    version: store.version,
    personas,
    users: [...store.users.values()],
    channels: [...store.channels.values()],
    messages: [...store.messages.values()].flat(),
    ephemerals: store.ephemerals,
    pins: Object.fromEntries(store.pins),
    bookmarks: Object.fromEntries(store.bookmarks),
    canvases: Object.fromEntries(store.canvases),
    modals: Object.fromEntries(store.modals),
    homes: Object.fromEntries(store.homes),
    groups: store.groups,
    ...offered(manifest),
  };
}

/** What the composer can hint at. */
function offered(manifest: Manifest | undefined): { commands: readonly Json[]; shortcuts: readonly Json[] } {
  const dr = { command: "/dr", description: "Disaster recovery", usage_hint: "failover database | status | help" };
  return {
    commands: (manifest?.features?.slash_commands as readonly Json[] | undefined) ?? [dr],
    shortcuts: (manifest?.features?.shortcuts as readonly Json[] | undefined) ?? [],
  };
}
