import { z } from "zod";
import type { Check, ReadContext } from "../contract.ts";
import { type Cluster, query, whyNot } from "./client.ts";

/** A server outside a Patroni cluster that may hold the same database: its replica elsewhere, or a restored copy. */
export const outsideInput = z.strictObject({
  name: z.string().min(1).max(63),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535).default(5432),
});
export type Outside = z.infer<typeof outsideInput>;

/** A server as it says itself, over the cluster's own database login. Plain JSON. */
export type OutsideView =
  | { readonly name: string; readonly answers: false; readonly why: string }
  | {
      readonly name: string;
      readonly answers: true;
      readonly systemId: string;
      readonly timeline: number;
      readonly inRecovery: boolean;
      readonly readOnly: boolean;
      /** A standby receives from another server now. */
      readonly receives: boolean;
    };

const STATE = `select system_identifier::text as "systemId", pg_is_in_recovery() as "inRecovery",
    case when pg_is_in_recovery() then (select received_tli from pg_stat_wal_receiver)
         else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as received,
    (select timeline_id from pg_control_checkpoint()) as checkpointed,
    current_setting('default_transaction_read_only') = 'on' as "readOnly",
    exists (select from pg_stat_wal_receiver where status = 'streaming') as receives
  from pg_control_system()`;

export async function lookOutside(ctx: ReadContext, cluster: Cluster, place: Outside): Promise<OutsideView> {
  const { name } = place;
  try {
    const [row] = await query<{
      systemId: string;
      inRecovery: boolean;
      received: number | null;
      checkpointed: number;
      readOnly: boolean;
      receives: boolean;
    }>(ctx, cluster, place, [STATE]);
    if (!row) return { name, answers: false, why: "it said nothing" };
    const { received, checkpointed, ...rest } = row;
    return { name, answers: true, ...rest, timeline: received ?? checkpointed };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { name, answers: false, why: whyNot(error) };
  }
}

/** One that need not be there: a restored copy. Silent, it is taken for gone. */
export const otherInput = outsideInput.extend({ mayBeAbsent: z.boolean().default(false) });

export function takesWrites(view: OutsideView): boolean {
  return view.answers && !view.inRecovery && !view.readOnly;
}

/**
 * While Patroni holds still it is a fence's guard: acting again, it lets another member lead, and what was fenced takes writes. With
 * a second server that takes the writes of the same database, that is two primaries.
 */
export function noOtherWriter(
  outside: readonly (OutsideView & { readonly mayBeAbsent?: boolean })[],
  cluster: { readonly name: string; readonly systemId: string | null },
  acceptUnreachable: boolean,
): readonly Check[] {
  return outside.map((one) => {
    const id = `outside.${one.name}`;
    if (!one.answers && one.mayBeAbsent)
      return { id, level: "block", ok: true, says: `${one.name} does not answer: nothing is restored there.` };
    if (!one.answers) {
      const silent = `${one.name} does not answer (${one.why})`;
      if (acceptUnreachable) {
        const says = `${silent}. If it takes writes, two servers do. You accept this by approving.`;
        return { id, level: "warn", ok: false, says };
      }
      const says = `${silent}, so it's unknown whether it takes writes.`;
      return { id, level: "block", ok: false, says, next: "Run it unplanned to accept that." };
    }
    const same = cluster.systemId === null || one.systemId === cluster.systemId;
    const ok = !(same && takesWrites(one));
    const says = ok
      ? `${one.name} takes no writes of this database.`
      : `${one.name} takes the writes of this database. With Patroni acting on ${cluster.name} two servers would.`;
    const next = `Make ${cluster.name} a standby cluster of ${one.name} instead.`;
    return { id, level: "block", ok, says, next };
  });
}
