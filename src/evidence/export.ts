import { type Policy, policyOf } from "../catalog/policy.ts";
import type { Catalog } from "../catalog/types.ts";
import { LifeboatError } from "../lib/errors.ts";
import type { Seals } from "../timeline/authentic.ts";
import { clockOf, type ExportPool, readSnapshot, settled } from "../timeline/export.ts";
import type { Keyring } from "../timeline/keys.ts";
import { packFolder } from "./folder.ts";
import { type Packed, writePack } from "./pack.ts";
import { queryOf } from "./query.ts";

export interface ExportRequest {
  readonly from: Date;
  /** Null: up to now. */
  readonly to: Date | null;
  readonly system: string | null;
  /** A folder that isn't there yet, or is empty. */
  readonly out: string;
  /** Private incidents are left out, and the manifest says how many. */
  readonly withoutPrivate?: boolean;
}

export interface ExportParts {
  /** Any login that may read. */
  readonly pool: ExportPool;
  readonly keyring: Keyring;
  readonly seals: Seals;
  readonly catalog: Pick<Catalog, "systems" | "runbooks">;
  readonly practice: boolean;
  readonly version: string;
}

export type Exported = Packed & { readonly from: Date; readonly to: Date };

/**
 * Writes the pack of a period. The same query gives the same bytes, as long as no one's data is erased and Lifeboat is of the same version.
 * @throws LifeboatError `period-…`, `system-unknown`, `folder-not-empty`, `folder-unreadable`, `record-key-missing`, `store-busy`
 */
export async function exportPack(request: ExportRequest, parts: ExportParts): Promise<Exported> {
  const { pool, keyring, seals, catalog, practice, version } = parts;
  if (!keyring.authenticates)
    throw new LifeboatError({
      code: "record-key-missing",
      where: "LIFEBOAT_EVENT_KEYS",
      what: "The event keys are missing: without them events can't be authenticated, nor people named",
      next: "Run this with the bot's settings",
    });
  const now = await clockOf(pool);
  const query = queryOf(request.from, request.to ?? now, request.system, now);
  const known = catalog.systems.map(({ id }) => id);
  if (!(await settled(pool)))
    throw new LifeboatError({
      code: "store-busy",
      what: "A transaction that may belong to the period goes on for too long",
      next: "Try again, or give --to a moment from before it began",
    });
  const folder = await packFolder(request.out);
  try {
    const packed = await readSnapshot(pool, { keyring, seals }, async (reader) => {
      if (query.system !== null && !known.includes(query.system)) {
        const recorded = await reader.streams({ from: new Date(0), to: query.to }, { prefix: `pol-${query.system}` });
        if (!recorded.some(({ id }) => id === `pol-${query.system}`)) throw unknownSystem(query.system, known);
      }
      const { withoutPrivate = false } = request;
      return writePack(folder, reader, {
        query,
        keyring,
        practice,
        version,
        today: policiesOf(catalog),
        withoutPrivate,
      });
    });
    await folder.done();
    return { ...packed, from: query.from, to: query.to };
  } catch (error) {
    await folder.drop();
    throw error;
  }
}

function policiesOf(catalog: Pick<Catalog, "systems" | "runbooks">): ReadonlyMap<string, Policy> {
  return new Map(
    catalog.systems.map((system) => [system.id, JSON.parse(JSON.stringify(policyOf(system, catalog))) as Policy]),
  );
}

function unknownSystem(system: string, known: readonly string[]): LifeboatError {
  return new LifeboatError({
    code: "system-unknown",
    where: "--system",
    what: `There is no system ${system}, and none is recorded`,
    allowed: known.join(", "),
  });
}
