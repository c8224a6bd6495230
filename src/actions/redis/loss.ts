import type { Handle, MeasuredLoss } from "../contract.ts";
import { clockOf, type Window } from "../loss.ts";
import { isMaster, isReplica, type NodeView } from "./view.ts";

/** What a replica would lose of a master that does not answer: everything since it last heard from it. */
export function heardWindow(to: NodeView | undefined, from: string): Window {
  const keptUntil = isReplica(to) ? (to.heardAt ?? null) : null;
  const why = `${from} does not answer`;
  return { keptUntil, lostUntil: null, why, origin: `when ${to?.name ?? "the replica"} last heard from ${from}` };
}

interface Ends {
  readonly subject: string;
  /** Of the request: `offset` is where the paused master had stopped. */
  readonly handle: Handle | null;
  /** The old master as it was when it was told to follow. */
  readonly old: NodeView | null;
  /** Where the new master's history parted from the old one's. */
  readonly promotedAt: number | null;
  /** When the new master last heard from the old one, as it was seen before. */
  readonly heardAt?: number | null | undefined;
}

/** From positions in the replication stream: where the old master stopped against where the new one took over. */
export function lossOf({ subject, handle, old, promotedAt, heardAt }: Ends): MeasuredLoss {
  const stopped =
    typeof handle?.offset === "number" ? handle.offset : isMaster(old ?? undefined) && old?.answers ? old.offset : null;
  if (stopped === null || promotedAt === null) {
    return {
      subject,
      seconds: null,
      rows: null,
      method: "not measurable here: where the old master stopped writing is unknown",
      ...(typeof heardAt === "number" && { keptUntil: new Date(heardAt).toISOString() }),
    };
  }
  const method = `positions in the stream: the old master stopped at ${stopped}, the new one took over at ${promotedAt}`;
  if (promotedAt >= stopped) return { subject, seconds: 0, rows: 0, method };
  return { subject, seconds: null, rows: null, method: `${method} (${stopped - promotedAt} bytes missing)` };
}

export function sayLoss({ rows, method, keptUntil }: MeasuredLoss): string {
  if (rows === 0) return "Lost: nothing.";
  return keptUntil === undefined
    ? `Lost: ${method}.`
    : `Lost: writes after ${clockOf(Date.parse(keptUntil))}; how many is unknown.`;
}
