import type { DataOf, NewEvent } from "../incident/events.ts";
import type { Due } from "./due.ts";
import { isSame, type Judged } from "./judge.ts";
import type { Assessment } from "./prove.ts";
import { isReady, type Proven, runbookKey, tooOldMs } from "./state.ts";

/** What is recorded of a proof: a change, or nothing. Pure; decided in the transaction that writes it. */

export interface Proved {
  readonly due: Due;
  readonly proof: Assessment;
  readonly now: Date;
  readonly everyMs: number;
}

/** @param known what is recorded, by `runbookKey`. No event: it is as it was recorded last. */
export function changeIn(
  known: ReadonlyMap<string, Proven>,
  { due, proof, now, everyMs }: Proved,
): readonly NewEvent[] {
  const { system, runbook, mode, digest, look } = due;
  const before = known.get(runbookKey(runbook.id, mode));
  const lastAt = latest(before?.at, look?.provenAt ?? undefined);
  const gap = lastAt !== null && everyMs > 0 && now.getTime() - lastAt.getTime() > tooOldMs(everyMs);
  if (!gap && before?.last.digest === digest && foundBefore(before, proof)) return [];
  const tells = proof.verdict === "notReady" ? tellsOf(due) : before?.last.to === "notReady" ? before.tells : [];
  const data: DataOf<"readiness.changed"> = {
    ...{ system: system.id, runbook: runbook.id, title: runbook.title, mode },
    ...{ from: before?.last.to ?? null, to: proof.verdict, findings: proof.findings, digest },
    ...(proof.way !== null && { way: proof.way }),
    ...(tells.length > 0 && { tells }),
    ...(gap && { unprovenSince: lastAt.toISOString() }),
  };
  const key = `${runbookKey(runbook.id, mode)}/${(before?.times ?? 0) + 1}`;
  return [{ type: "readiness.changed", data, key, actor: { kind: "bot" } }];
}

/** It is as the last proof found it. */
export function foundBefore(before: Proven | undefined, proof: Assessment): boolean {
  if (before === undefined) return false;
  const { to, findings, way = null } = before.last;
  const sameWay = way?.from === proof.way?.from && way?.to === proof.way?.to;
  return sameWay && isSame({ verdict: to, findings }, proof);
}

/** People would be told of it: it is looked at once more before they are. */
export function isNewlyNotReady(before: Proven | undefined, proof: Judged): boolean {
  return proof.verdict === "notReady" && (before === undefined || isReady(before.last.to));
}

function tellsOf({ system }: Due): readonly string[] {
  return system.readiness?.tells ?? system.administrators ?? [];
}

function latest(one: Date | undefined, other: Date | undefined): Date | null {
  if (one === undefined) return other ?? null;
  return other !== undefined && other > one ? other : one;
}
