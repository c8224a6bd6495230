import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { hashOf } from "../lib/canonical.ts";
import type { Change } from "./changes.ts";
import type { Catalog, System } from "./types.ts";

/**
 * The catalogue as it is now. The one who holds it sees the newest one that was read whole: `systems` and `runbooks` are read again from it each
 * time, so no one keeps a part of it for longer than one decision.
 */
export interface LiveCatalog extends Catalog {
  /** From now on it is this one. */
  replace(next: Catalog): void;
  /** Systems of this and of every catalogue before it: who was taken off a roster still is a person. */
  readonly ever: readonly System[];
}

export function liveCatalog(first: Catalog): LiveCatalog {
  let now = first;
  const before = new Set<System>();
  return {
    get ever() {
      return [...now.systems, ...before];
    },
    get systems() {
      return now.systems;
    },
    get runbooks() {
      return now.runbooks;
    },
    replace(next) {
      for (const system of now.systems) if (!next.systems.includes(system)) before.add(system);
      now = { systems: next.systems, runbooks: next.runbooks };
    },
  };
}

/** Systems by their id, as they are now. */
export type SystemsById = Pick<ReadonlyMap<string, System>, "get" | "values">;

export function systemsById(
  catalog: Pick<Catalog, "systems">,
  only: (system: System) => boolean = () => true,
): SystemsById {
  return {
    get: (id) => catalog.systems.find((system) => system.id === id && only(system)),
    values: () => new Map(catalog.systems.filter(only).map((system) => [system.id, system])).values(),
  };
}

/**
 * What tells whether files of a folder were changed, without reading them: their names, sizes, times and inodes. Links are followed, so that a mounted
 * folder that is swapped as a whole (a Kubernetes ConfigMap) counts as changed.
 */
export async function fingerprintOf(folder: string): Promise<string> {
  const seen: unknown[] = [];
  const entered = new Set<string>();
  const walk = async (at: string, name: string): Promise<void> => {
    const found = await stat(at).catch(() => null);
    if (found === null) return;
    if (!found.isDirectory()) {
      seen.push([name, found.size, found.mtimeMs, found.ino, found.mode]);
      return;
    }
    const place = `${found.dev}/${found.ino}`;
    if (entered.has(place)) return;
    entered.add(place);
    const entries = (await readdir(at)).filter((one) => !one.startsWith(".")).sort();
    for (const entry of entries) await walk(join(at, entry), `${name}/${entry}`);
  };
  await walk(folder, "");
  return hashOf(seen);
}

/** What came of reading the files again. */
export type Reloaded =
  | { readonly kind: "unchanged" }
  | {
      readonly kind: "changed";
      readonly systems: readonly { readonly system: string; readonly says: readonly Change[] }[];
    }
  /** Something in them is wrong: everything is kept as it was. `problems`: as lint prints them. */
  | { readonly kind: "refused"; readonly problems: string };
