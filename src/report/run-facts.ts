import { account } from "../incident/accounting.ts";
import { isLate, tookSeconds } from "../incident/clocks.ts";
import { isAfterRecovery, recoveryOf } from "../incident/recovery.ts";
import type { RunState } from "../incident/state.ts";
import { unfencedIn } from "../incident/unfenced.ts";
import { sayProblem } from "../lib/errors.ts";
import type { Known } from "./known.ts";
import { length } from "./length.ts";
import { type Picture, pictureOf, share } from "./picture.ts";
import type { When } from "./when.ts";

export interface RunFacts {
  readonly id: string;
  readonly title: string;
  readonly target: string;
  readonly mode: string;
  readonly requester: string;
  readonly outcome: string;
  /** Why the same was moved again so soon; null: it was not. */
  readonly again: string | null;
  /** How the new side was seen to be after a move, and whether people committed to it; null: nothing was watched. */
  readonly probation: string | null;
  /** That nothing follows the active side; null: something does, or nothing was moved. */
  readonly noStandby: string | null;
  /** Where things were left when it did not reach its goal. */
  readonly stateThen: string | null;
  /** Requested when service was back: its time is no part of the recovery. */
  readonly after: boolean;
  readonly took: string;
  /** What the RTO counts from. */
  readonly countsFrom: string;
  readonly rto: string;
  readonly rtoObjective: string;
  readonly rtoVerdict: string;
  readonly rpo: string;
  readonly rpoObjective: string;
  readonly rpoVerdict: string;
  readonly rpoMethod: string;
  /** Servers it went on without fencing, and who approved that. */
  readonly unfenced: readonly { readonly server: string; readonly acceptedBy: string }[];
  readonly total: string;
  readonly phases: readonly PhaseFacts[];
  /** What the Markdown calls its picture, or null where there is none. */
  readonly picture: string | null;
  readonly pictureSays: string;
  /** Stages that said how long they should take, and had begun. */
  readonly stages: readonly {
    readonly title: string;
    readonly took: string;
    readonly given: string;
    readonly verdict: string;
  }[];
}

export interface PhaseFacts {
  readonly says: string;
  readonly length: string;
  readonly percent: number;
}

/** A picture beside the document: the file it is in. */
export interface Beside extends Picture {
  readonly name: string;
}

/** @param name of the file its picture would be in; null: the document has no pictures */
export function runFacts(known: Known, run: RunState, name: string | null): { run: RunFacts; picture: Beside | null } {
  const { state, names, when } = known;
  const now = known.events.at(-1)?.at ?? run.requestedAt;
  const recovery = recoveryOf(state, run);
  const after = isAfterRecovery(known.runs, run);
  const counted = after ? null : account(state, run, now);
  const picture = counted !== null && counted.totalSeconds > 0 ? pictureOf(counted, name ?? run.id) : null;
  const shown = picture !== null && name !== null ? { ...picture, name } : null;
  const facts: RunFacts = {
    ...{ id: run.id, title: run.plan.title, target: run.plan.target, after },
    mode: run.mode === "planned" ? "Planned" : "Unplanned",
    requester: names(run.requester),
    outcome: outcomeOf(run),
    again: run.again?.reason ?? null,
    probation: probationOf(known, run),
    noStandby: run.standby && !run.standby.streams ? when.whole(run.standby.since) : null,
    stateThen: stateThenOf(run),
    took: length(((run.endedAt ?? now).getTime() - run.requestedAt.getTime()) / 1000),
    countsFrom: isIncident(known) ? FROM[recovery.from] : FROM[recovery.from].replace("declaration", "beginning"),
    rto: recovery.rtoSeconds === null || after ? "not measured" : length(recovery.rtoSeconds),
    rtoObjective: objective(recovery.objectiveSeconds),
    rtoVerdict: verdict(after ? null : recovery.met),
    rpo: lossOf(recovery.rpo, when),
    rpoObjective: objective(recovery.rpoObjectiveSeconds),
    rpoVerdict: verdict(recovery.rpoMet),
    rpoMethod: recovery.rpo?.method ?? "no step measured it",
    unfenced: unfencedIn(run)
      .filter(({ happened }) => happened)
      .map(({ server, acceptedBy }) => ({
        server,
        acceptedBy: acceptedBy.length === 0 ? "no one" : acceptedBy.map(names).join(" and "),
      })),
    total: counted ? length(counted.totalSeconds) : "not counted",
    // Planned work is neither detected nor decided on while anyone waits.
    phases: (counted?.phases ?? [])
      .filter(({ seconds }) => seconds > 0 || isIncident(known))
      .map(({ says, seconds }) => ({
        ...{ says, length: length(seconds), percent: share(seconds, counted?.totalSeconds ?? 0) },
      })),
    picture: shown?.name ?? null,
    pictureSays: picture?.alt ?? "",
    stages: [...(run.clocks?.values() ?? [])].map((one) => ({
      title: one.clock.title,
      took: `${length(tookSeconds(one, now))}${one.endedAt === null ? " so far" : ""}`,
      given: length(one.clock.withinSeconds),
      verdict: isLate(one, now) ? "late" : one.endedAt === null ? "not over yet" : "in time",
    })),
  };
  return { run: facts, picture: shown };
}

const FROM = {
  impact: "the start of impact",
  declaration: "the declaration",
  interruption: "the first step that interrupted service",
} as const;

function isIncident({ state }: Known): boolean {
  return state.declared?.kind === "real";
}

export function outcomeOf(run: RunState): string {
  if (run.status === "verified") return run.dryRun ? "dry run finished, nothing changed" : "done and verified";
  if (run.ending === null) return `not over (${run.status})`;
  return run.problem ? `${run.ending.as}: ${run.problem.what}` : run.ending.as;
}

function probationOf({ names, when }: Known, run: RunState): string | null {
  const { probation, committed } = run;
  if (probation === undefined) return null;
  const { asked, failed, healthy, endedAt, moved } = probation;
  const seen = moved ? "moved again" : healthy ? "healthy" : `not healthy (${probation.says.join("; ")})`;
  const figures = `${failed} of ${asked} checks failed`;
  const state = `${endedAt === null ? "so far " : ""}${seen}, ${figures}`;
  if (committed === undefined) return `${state}; not committed`;
  const by = committed.by.kind === "person" ? names(committed.by.person ?? committed.by.name) : "the bot";
  return `${state}; committed by ${by} at ${when.whole(committed.at)}${committed.reason === null ? "" : `, because: ${committed.reason}`}`;
}

function stateThenOf(run: RunState): string | null {
  if (run.ending === null || run.ending.as === "verified") return null;
  return run.ending.problem.stateNow ?? null;
}

/** What was lost, as it was measured. */
export function lossOf(rpo: ReturnType<typeof recoveryOf>["rpo"], when: When): string {
  if (rpo === null) return "not measured";
  const rows = rpo.rows === null ? null : rowsOf(rpo.rows);
  const after = rpo.keptUntil === undefined ? null : `writes after ${when.whole(new Date(rpo.keptUntil))}`;
  if (rpo.seconds === null) return rows ?? after ?? "could not be measured";
  if (rpo.seconds === 0 && (rpo.rows ?? 0) === 0) return "nothing";
  return rows === null ? `${length(rpo.seconds)} of writes` : `${length(rpo.seconds)} of writes, ${rows}`;
}

export function rowsOf(rows: number): string {
  return `${rows} ${rows === 1 ? "row" : "rows"}`;
}

function objective(seconds: number | null): string {
  return seconds === null ? "not set" : length(seconds);
}

function verdict(met: boolean | null): string {
  return met === null ? "not judged" : met ? "met" : "missed";
}

/** Why a run ended early, whole. */
export function problemOf(run: RunState): string | null {
  return run.problem ? sayProblem(run.problem) : null;
}
