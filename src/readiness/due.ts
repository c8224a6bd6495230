import type { Mode, Runbook, System } from "../catalog/types.ts";
import { sha256 } from "../lib/canonical.ts";
import type { LastLook } from "../timeline/readiness-looks.ts";

/** Which proofs are due. Pure, and the same in every process of a store. */

export interface Provable {
  readonly system: System;
  readonly runbook: Runbook;
  readonly mode: Mode;
  /** Of what it is now. */
  readonly digest: string;
}

export interface Due extends Provable {
  readonly look: LastLook | undefined;
}

export interface DueParts {
  readonly provable: readonly Provable[];
  readonly looks: readonly LastLook[];
  readonly now: Date;
  readonly everyMs: number;
  /** Systems on which a run is live: nothing of them is looked at. */
  readonly busy: ReadonlySet<string>;
  /** What was found not ready: it's looked at again sooner, so that it's known when it is. */
  readonly isNotReady: (of: Provable) => boolean;
}

/** Between two proofs of what isn't ready, where all others are made less often. */
export const NOT_READY_EVERY_MS = 5 * 60_000;

/**
 * Those to prove now, the most urgent first: asked for, never proven, edited, and last those whose time has come. Each has a moment of its own
 * in the interval, so that the looks of a system are spread out over it.
 */
export function dueNow({ provable, looks, now, everyMs, busy, isNotReady }: DueParts): readonly Due[] {
  const known = new Map(looks.map((look) => [keyOf(look.system, look.runbook, look.mode), look]));
  return provable
    .filter(({ system }) => !busy.has(system.id))
    .flatMap((one) => {
      const look = known.get(keyOf(one.system.id, one.runbook.id, one.mode));
      const every = isNotReady(one) ? Math.min(everyMs, NOT_READY_EVERY_MS) : everyMs;
      const urgency = urgencyOf(one, look, now, every);
      return urgency === null ? [] : [{ ...one, look, urgency }];
    })
    .toSorted((one, other) => one.urgency - other.urgency)
    .map(({ urgency: _, ...due }) => due);
}

/** Less is sooner; null: it isn't due. */
function urgencyOf(
  { system, runbook, mode, digest }: Provable,
  look: LastLook | undefined,
  now: Date,
  everyMs: number,
) {
  const provenAt = look?.provenAt ?? null;
  const wantedAt = look?.wantedAt ?? null;
  if (wantedAt !== null && (provenAt === null || provenAt < wantedAt)) return 0;
  if (everyMs === 0) return null;
  if (provenAt === null) return 1;
  if (look?.digest !== digest) return 2;
  return provenAt.getTime() < slotStart(keyOf(system.id, runbook.id, mode), now, everyMs) ? 3 : null;
}

/** Milliseconds: when the slot of this proof that holds `now` began. Every slot is one interval long. */
function slotStart(key: string, now: Date, everyMs: number): number {
  const phase = Number.parseInt(sha256(key).slice(0, 8), 16) % everyMs;
  return Math.floor((now.getTime() - phase) / everyMs) * everyMs + phase;
}

function keyOf(system: string, runbook: string, mode: string): string {
  return `${system}/${runbook}/${mode}`;
}
