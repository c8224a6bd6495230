import type { Mode, Runbook, System } from "../catalog/types.ts";
import type { DataOf, ReadinessFinding, ReadinessVerdict } from "../incident/events.ts";

/**
 * How ready each runbook is, from what its proofs recorded and when it was last proven. Pure; the contract that commands, messages and metrics
 * read.
 *
 * - `ready`: its preflight passed, about exactly what it is now. `notNeeded` of the proof: refused rightly, because what it repairs is healthy.
 * - `notReady`: a request for it would be refused now.
 * - `stale`: it was proven, and what the proof was about has changed since, or the proof is too old.
 * - `neverProven`: no one has looked yet, or no one can before the night says what it needs.
 */
export type ReadinessState = "ready" | "notReady" | "stale" | "neverProven";

export interface RunbookReadiness {
  readonly runbook: string;
  readonly title: string;
  readonly mode: Mode;
  readonly state: ReadinessState;
  /** It would be refused now, because what it repairs is healthy. */
  readonly notNeeded: boolean;
  /** Why it isn't ready or isn't needed; of a stale one, what the last proof found. */
  readonly findings: readonly ReadinessFinding[];
  /** Why it is stale or was never proven, a clause; null: it is neither. */
  readonly why: string | null;
  /** Since when it is so; null: it was never proven. */
  readonly since: Date | null;
  readonly provenAt: Date | null;
  /** The way it would go now, by titles of sites; null: it moves nothing between sites, or no one knows. */
  readonly way: { readonly from: string; readonly to: string } | null;
  /** Roles whose holders were told that it isn't ready. */
  readonly tells: readonly string[];
}

export interface SystemReadiness {
  readonly system: string;
  readonly title: string;
  /** In the catalogue's order, planned before unplanned. */
  readonly runbooks: readonly RunbookReadiness[];
}

/** What commands, messages and metrics may ask. */
export interface Readiness {
  /** Milliseconds between two proofs of a runbook; 0: proofs are off. */
  readonly everyMs: number;
  of(systems: readonly System[]): Promise<readonly SystemReadiness[]>;
  /** Has every runbook of a system proven as soon as may be. How many there are. */
  proveNow(system: System): Promise<number>;
}

/** The stream a system's changes of readiness stand in. */
export const READINESS_PREFIX = "rdy-";

export function readinessStream(system: string): string {
  return `${READINESS_PREFIX}${system}`;
}

export function isReadiness(stream: string): boolean {
  return stream.startsWith(READINESS_PREFIX);
}

/** A proof is too old after two intervals and a while: one may have been put off by a run. */
export const TOO_OLD_INTERVALS = 2;
export const GRACE_MS = 5 * 60_000;

/** What is recorded of one proof. */
export interface Proven {
  readonly last: DataOf<"readiness.changed">;
  /** When its verdict became this one. */
  readonly since: Date;
  /** When it was recorded last. */
  readonly at: Date;
  /** How often it was recorded. */
  readonly times: number;
  /** Who was told since it isn't ready; empty: no one, or it is. */
  readonly tells: readonly string[];
}

/** An event as the timeline has it. */
export interface ReadEvent {
  readonly type: string;
  readonly data: unknown;
  readonly at: Date;
}

export function runbookKey(runbook: string, mode: string): string {
  return `${runbook}/${mode}`;
}

/** What the stream of a system says of each of its proofs, by `runbookKey`; `from`: what the events before these made. */
export function provenIn(
  events: Iterable<ReadEvent>,
  from: ReadonlyMap<string, Proven> = new Map(),
): ReadonlyMap<string, Proven> {
  const known = new Map(from);
  for (const event of events) {
    if (event.type !== "readiness.changed") continue;
    const last = event.data as DataOf<"readiness.changed">;
    const key = runbookKey(last.runbook, last.mode);
    const before = known.get(key);
    const same = before !== undefined && isReady(before.last.to) === isReady(last.to);
    known.set(key, {
      last,
      since: same ? before.since : event.at,
      at: event.at,
      times: (before?.times ?? 0) + 1,
      tells: last.to === "notReady" ? [...new Set([...(same ? before.tells : []), ...(last.tells ?? [])])] : [],
    });
  }
  return known;
}

/** `ready` and `notNeeded` are both ready: nothing has to be put right. */
export function isReady(verdict: ReadinessVerdict): boolean {
  return verdict === "ready" || verdict === "notNeeded";
}

/** What exists and is in no runbook: told of a runbook that is ready, too, and no reason against it. */
export function isDrift({ code }: Pick<ReadinessFinding, "code">): boolean {
  return code.startsWith("drift.");
}

/** What has to be put right about a person, and is no reason against a runbook either. */
export function isPersonNote({ code }: Pick<ReadinessFinding, "code">): boolean {
  return code.startsWith("person.");
}

/** Told of a runbook whatever its state is. */
export function isNote(finding: Pick<ReadinessFinding, "code">): boolean {
  return isDrift(finding) || isPersonNote(finding);
}

/**
 * What the findings of a system tell beside reasons: each once, whichever runbook's check found it. Of one person, as the newest check
 * says it: the others are of before.
 */
export function notesOf(
  runbooks: readonly Pick<RunbookReadiness, "findings" | "provenAt">[],
  which: (finding: ReadinessFinding) => boolean,
): readonly string[] {
  const oldestFirst = runbooks.toSorted((a, b) => (a.provenAt?.getTime() ?? 0) - (b.provenAt?.getTime() ?? 0));
  const found = oldestFirst.flatMap(({ findings }) => findings.filter(which));
  return [...new Map(found.map((one) => [isPersonNote(one) ? one.code : one.says, one.says])).values()];
}

export interface Known {
  readonly proven: Proven | undefined;
  /** When it was last proven, and about what; undefined: never, or it is lost. */
  readonly look: { readonly digest: string | null; readonly provenAt: Date | null } | undefined;
  /** Of what it is now. */
  readonly digest: string;
  readonly now: Date;
  readonly everyMs: number;
}

export function readinessOf(runbook: Pick<Runbook, "id" | "title">, mode: Mode, known: Known): RunbookReadiness {
  const { proven, look } = known;
  const head = { runbook: runbook.id, title: runbook.title, mode };
  if (proven === undefined) {
    const nothing = { notNeeded: false, findings: [], since: null, provenAt: null, way: null, tells: [] };
    return { ...head, ...nothing, state: "neverProven", why: "not proven yet" };
  }
  const { last } = proven;
  const provenAt = look?.provenAt && look.provenAt > proven.at ? look.provenAt : proven.at;
  const about = {
    ...{ notNeeded: last.to === "notNeeded", findings: last.findings, provenAt, way: last.way ?? null },
    tells: proven.tells,
  };
  const stale = staleBecause(known, provenAt);
  if (stale !== null) return { ...head, ...about, state: "stale", why: stale, since: proven.since };
  if (last.to === "unprovable") {
    const why = last.findings.map(({ says }) => says).join("; ");
    return { ...head, ...about, findings: [], state: "neverProven", why, since: null };
  }
  const state = isReady(last.to) ? "ready" : "notReady";
  return { ...head, ...about, state, why: null, since: proven.since };
}

function staleBecause({ proven, look, digest, now, everyMs }: Known, provenAt: Date): string | null {
  if ((look?.digest ?? proven?.last.digest) !== digest) return "edited since it was proven";
  if (everyMs === 0) return null;
  return now.getTime() - provenAt.getTime() > tooOldMs(everyMs) ? "not proven for too long" : null;
}

export function tooOldMs(everyMs: number): number {
  return everyMs * TOO_OLD_INTERVALS + GRACE_MS;
}
