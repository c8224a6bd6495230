import { recoveryOf } from "./recovery.ts";
import type { IncidentState, RunState, Span } from "./state.ts";
import { workedUntil } from "./work.ts";

/**
 * Where the minutes of a recovery went. The parts have neither gap nor overlap, so they add up to the whole.
 *
 * - `detecting`: from the start of the impact to the declaration.
 * - `deciding`: declared, and no run was in progress. A dry run is a part of deciding.
 * - `people`: a run waited for people: approvals, manual steps, pauses, decisions after a failure.
 * - `machines`: preflights, changes, planned waits, verification, automatic retries (`work.ts`).
 *
 * Before the request for this run, other runs count as this one does afterwards: what a failed first attempt took is machines and
 * people, not deciding.
 */
export interface Accounting {
  readonly from: Date;
  readonly to: Date;
  readonly totalSeconds: number;
  readonly phases: readonly Phase[];
  /** The same in the order of time: one begins where the one before ends. Neighbours differ. */
  readonly stretches: readonly Stretch[];
}
export type PhaseName = "detecting" | "deciding" | "people" | "machines";
export interface Phase {
  readonly name: PhaseName;
  readonly says: string;
  readonly seconds: number;
}
export interface Stretch extends Span {
  readonly name: PhaseName;
}

export const PHASE_WORDS: Readonly<Record<PhaseName, string>> = {
  detecting: "Detecting: impact to declaration",
  deciding: "Deciding: declared, no run in progress",
  people: "Waiting for people: approvals, manual steps, pauses",
  machines: "Machines: looking, changing, verifying",
};

/** Accounts for the time until this run was verified or ended, or up to `now` while it goes on. Null before a declaration. */
export function account(state: IncidentState, run: RunState, now: Date): Accounting | null {
  const { startedAt, verifiedAt } = recoveryOf(state, run);
  if (startedAt === null || state.declared === null) return null;
  const start = startedAt.getTime();
  const end = Math.max(start, (verifiedAt ?? run.endedAt ?? now).getTime());
  const declared = within(state.declared.at.getTime(), start, end);
  const requested = within(run.requestedAt.getTime(), declared, end);
  const earlier = [...state.runs.values()].filter((one) => one !== run && !one.dryRun);
  const stretches = merged([
    { name: "detecting", from: start, to: declared },
    ...shared(earlier, declared, requested),
    ...turns(worked([run], requested, end), requested, end, "people"),
  ]);
  return {
    from: startedAt,
    to: new Date(end),
    totalSeconds: (end - start) / 1000,
    phases: (Object.keys(PHASE_WORDS) as PhaseName[]).map((name) => ({
      name,
      says: PHASE_WORDS[name],
      seconds: stretches.reduce((sum, one) => (one.name === name ? sum + one.to - one.from : sum), 0) / 1000,
    })),
    stretches: stretches.map(({ name, from, to }) => ({ name, from: new Date(from), to: new Date(to) })),
  };
}

/** Milliseconds since 1970. */
interface Piece {
  readonly name: PhaseName;
  readonly from: number;
  readonly to: number;
}
type Range = Omit<Piece, "name">;

/** Whose turn it was while any of these runs went on, and deciding in between. */
function shared(runs: readonly RunState[], from: number, to: number): readonly Piece[] {
  const live = runs.map((run) => ({ from: run.requestedAt.getTime(), to: run.endedAt?.getTime() ?? to }));
  const working = worked(runs, from, to);
  return turns(joined(live, from, to), from, to, "deciding", (one) => turns(working, one.from, one.to, "people"));
}

/** Cuts a time into what is in `ranges` and what is between them. */
function turns(
  ranges: readonly Range[],
  from: number,
  to: number,
  between: PhaseName,
  inside: (one: Range) => readonly Piece[] = (one) => [{ ...one, name: "machines" }],
): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = from;
  for (const range of ranges) {
    const one = { from: within(range.from, at, to), to: within(range.to, at, to) };
    pieces.push({ name: between, from: at, to: one.from }, ...inside(one));
    at = one.to;
  }
  return [...pieces, { name: between, from: at, to }];
}

/** When machines worked on any of these runs, in order and without overlap. */
function worked(runs: readonly RunState[], from: number, to: number): readonly Range[] {
  const spans = runs.flatMap((run) => workedUntil(run, new Date(to)));
  return joined(
    spans.map((span) => ({ from: span.from.getTime(), to: span.to.getTime() })),
    from,
    to,
  );
}

function joined(ranges: readonly Range[], from: number, to: number): readonly Range[] {
  const found: { from: number; to: number }[] = [];
  const clipped = ranges.map((one) => ({ from: within(one.from, from, to), to: within(one.to, from, to) }));
  for (const one of clipped.filter((range) => range.to > range.from).sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last !== undefined && one.from <= last.to) last.to = Math.max(last.to, one.to);
    else found.push({ ...one });
  }
  return found;
}

/** Without empty pieces, and neighbours of one name as one. */
function merged(pieces: readonly Piece[]): readonly Piece[] {
  const found: Piece[] = [];
  for (const piece of pieces.filter(({ from, to }) => to > from)) {
    const last = found.at(-1);
    if (last?.name === piece.name) found[found.length - 1] = { ...last, to: piece.to };
    else found.push(piece);
  }
  return found;
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
