import type { Handle, MeasuredLoss } from "../contract.ts";
import { isMaster, type NodeView } from "./view.ts";

interface Ends {
  readonly subject: string;
  /** Of the request: `offset` is where the paused master had stopped. */
  readonly handle: Handle | null;
  /** The old master as it was when it was told to follow. */
  readonly old: NodeView | null;
  /** Where the new master's history parted from the old one's. */
  readonly promotedAt: number | null;
}

/** From positions in the replication stream: where the old master stopped against where the new one took over. */
export function lossOf({ subject, handle, old, promotedAt }: Ends): MeasuredLoss {
  const stopped =
    typeof handle?.offset === "number" ? handle.offset : isMaster(old ?? undefined) && old?.answers ? old.offset : null;
  if (stopped === null || promotedAt === null) {
    return {
      subject,
      seconds: null,
      rows: null,
      method: "not measurable here: where the old master stopped writing is unknown",
    };
  }
  const method = `positions in the stream: the old master stopped at ${stopped}, the new one took over at ${promotedAt}`;
  if (promotedAt >= stopped) return { subject, seconds: 0, rows: 0, method };
  return { subject, seconds: null, rows: null, method: `${method} (${stopped - promotedAt} bytes missing)` };
}

export function sayLoss({ rows, method }: MeasuredLoss): string {
  return rows === 0 ? "Lost: nothing." : `Lost: ${method}.`;
}
