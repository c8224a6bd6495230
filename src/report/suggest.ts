import { account } from "../incident/accounting.ts";
import { roleTitle } from "../incident/people.ts";
import { isAfterRecovery, recoveryOf } from "../incident/recovery.ts";
import type { RunState, StepState } from "../incident/state.ts";
import { unfencedAfter } from "../incident/unfenced.ts";
import { doneAt, eventsOf, type Known, stepTitle } from "./known.ts";
import { length } from "./length.ts";
import { changed } from "./measures.ts";
import { LANES, share } from "./picture.ts";
import { stamp } from "./transcript.ts";

/** Something to do that follows from a fact of the record. `event`: the version it stands on, or null. */
export interface Suggestion {
  readonly what: string;
  readonly why: string;
  readonly event: number | null;
}

/** One fact of the record and what is to be done about it. */
interface Rule {
  readonly id: string;
  /** The fact, as a clause. */
  readonly fact: string;
  of(known: Known): readonly Suggestion[];
}

/** What is to be done, from facts alone: the first is the most urgent. */
export function suggestionsOf(known: Known): readonly Suggestion[] {
  return RULES.flatMap((rule) => rule.of(known));
}

/** The whole table: fact → item. */
export const RULES: readonly Rule[] = [
  {
    id: "split-brain",
    fact: "two servers took writes at once",
    of: ({ events, state }) =>
      eventsOf(events, "split-brain.seen").map(({ run, data, version }) => ({
        what: "Compare and merge what both servers took while two of them took writes",
        why: `${stepTitle(runOf(state.runs, run), data.step)}: ${data.says}`,
        event: version,
      })),
  },
  {
    id: "not-fenced",
    fact: "a run went on without a fence",
    of: ({ state }) =>
      unfencedAfter(state.runs.values()).map(({ run, one }) => ({
        what: `Fence or rebuild ${one.server} before it can take writes again`,
        why: `“${run.plan.title}” went on without its fence`,
        event: null,
      })),
  },
  {
    id: "no-standby",
    fact: "a standby was promoted, and none was rebuilt since",
    of: (known) =>
      withoutStandby(known.runs).map(({ run, step }) => ({
        what: `Rebuild a standby: there is none since “${step.step.title}”`,
        why:
          run.plan.afterwards
            .filter((line) => STANDBY.test(line))
            .map(plainLine)
            .join(" ") || `“${run.plan.title}” left none`,
        event: doneAt(known, run, step.step.id),
      })),
  },
  {
    id: "left-half-way",
    fact: "a run ended early after it had changed something",
    of: ({ runs, events }) =>
      runs.flatMap((run) => {
        if (run.ending === null || run.ending.as === "verified" || !changed(run)) return [];
        if (runs.some((one) => one !== run && one.plan.component === run.plan.component && isLaterGood(one, run)))
          return [];
        const state = run.ending.problem.stateNow;
        const end = events.findLast((one) => one.run === run.id && ["run.aborted", "run.failed"].includes(one.type));
        return {
          what: `Finish or undo what “${run.plan.title}” left half-way`,
          why: `${run.ending.as}${state ? `; state then: ${state}` : ""}`,
          event: end?.version ?? null,
        };
      }),
  },
  {
    id: "review-open",
    fact: "break-glass was used and isn't reviewed",
    of: ({ runs, names }) =>
      runs.flatMap((run) =>
        run.breaks
          .filter(({ review }) => review === null)
          .map(({ step, person, reason }) => ({
            what: `Review the break-glass of “${stepTitle(run, step)}” (/dr review, by someone not involved)`,
            why: `${names(person)} used it: ${reason}`,
            event: null,
          })),
      ),
  },
  {
    id: "break-glass",
    fact: "break-glass was used",
    of: ({ events, state, names }) =>
      eventsOf(events, "gate.broken").map(({ run, data, version }) => ({
        what: `Make sure that someone can approve “${stepTitle(runOf(state.runs, run), data.step)}” in time`,
        why: `It was overridden by break-glass (${names(data.person)}): ${data.reason}`,
        event: version,
      })),
  },
  {
    id: "rto-missed",
    fact: "the RTO was missed",
    of: (known) =>
      judged(known).flatMap((run) => {
        const { met, rtoSeconds, objectiveSeconds } = recoveryOf(known.state, run);
        if (met !== false || rtoSeconds === null || objectiveSeconds === null) return [];
        const took = `It took ${length(rtoSeconds)}${mostOf(known, run)}`;
        return { what: `Recover within ${length(objectiveSeconds)}: “${run.plan.title}”`, why: took, event: null };
      }),
  },
  {
    id: "rpo-missed",
    fact: "more data was lost than the RPO allows",
    of: (known) =>
      judged(known).flatMap((run) => {
        const { rpoMet, rpo, rpoObjectiveSeconds } = recoveryOf(known.state, run);
        if (rpoMet !== false || rpo?.seconds == null || rpoObjectiveSeconds === null) return [];
        return {
          what: `Lose no more than ${length(rpoObjectiveSeconds)} of writes: “${run.plan.title}”`,
          why: `${length(rpo.seconds)} were lost (${rpo.method})`,
          event: doneAt(known, run, rpo.step),
        };
      }),
  },
  {
    id: "loss-unknown",
    fact: "data may have been lost, and no step could measure how much",
    of: (known) =>
      known.runs.flatMap((run) => {
        const { rpo } = recoveryOf(known.state, run);
        if (rpo === null || rpo.seconds !== null || rpo.rows !== null) return [];
        return {
          what: `Find out what was lost in “${run.plan.title}”, and how it can be measured next time`,
          why: rpo.method,
          event: doneAt(known, run, rpo.step),
        };
      }),
  },
  {
    id: "no-answer",
    fact: "an approval was escalated, or expired, because no one answered",
    of: ({ events, state, system }) => [
      ...eventsOf(events, "gate.escalated")
        .filter(({ data }) => data.why == null)
        .map(({ run, data, version }) => ({
          what: `Find out why no one decided on “${stepTitle(runOf(state.runs, run), data.step)}” in time`,
          why: `Escalated to ${roleTitle(data.role, system)} after silence`,
          event: version,
        })),
      ...eventsOf(events, "gate.expired").map(({ run, data, version }) => ({
        what: `Find out why no one decided on “${stepTitle(runOf(state.runs, run), data.step)}” at all`,
        why: "The approval expired",
        event: version,
      })),
    ],
  },
  {
    id: "page-failed",
    fact: "a page could not be sent",
    of: ({ events, system }) =>
      eventsOf(events, "page.failed").map(({ data, version }) => ({
        what: "Make paging work again, and test it",
        why: `${data.role === null ? "On-call" : roleTitle(data.role, system)} could not be paged: ${data.problem.what}`,
        event: version,
      })),
  },
  {
    id: "step-failed",
    fact: "a step failed, or its outcome was not known",
    of: ({ runs, events }) =>
      runs.flatMap((run) =>
        [...run.steps.keys()].flatMap((step) => {
          const mine = events.filter(
            ({ run: of, data }) => of === run.id && (data as { step?: unknown }).step === step,
          );
          const failed = [...eventsOf(mine, "step.failed"), ...eventsOf(mine, "step.stopped")];
          const last = failed.at(-1);
          if (last === undefined) return [];
          const times = failed.length === 1 ? "" : ` ${failed.length} times`;
          return {
            what: `Find out why “${stepTitle(run, step)}” failed${times}`,
            why: last.data.problem.what,
            event: last.version,
          };
        }),
      ),
  },
  {
    id: "stuck",
    fact: "the engine could not go on",
    of: ({ events, state }) =>
      eventsOf(events, "run.stuck").map(({ run, data, version }) => ({
        what: `Find out why “${runOf(state.runs, run)?.plan.title ?? "the run"}” got stuck`,
        why: data.problem.what,
        event: version,
      })),
  },
  {
    id: "step-skipped",
    fact: "a step was skipped",
    of: ({ events, state }) =>
      eventsOf(events, "step.skipped").map(({ run, data, version }) => ({
        what: `Do “${stepTitle(runOf(state.runs, run), data.step)}” now, or take it out of the runbook`,
        why: `It was skipped: ${data.reason}`,
        event: version,
      })),
  },
  {
    id: "stage-late",
    fact: "a stage took longer than it was given",
    of: ({ events, state }) =>
      eventsOf(events, "stage.late").map(({ run, data, version }) => {
        const clock = runOf(state.runs, run)?.plan.clocks?.find(({ id }) => id === data.stage);
        return {
          what: `Make “${clock?.title ?? data.stage}” faster, or give it more time`,
          why: `It was given ${length(data.withinSeconds)}`,
          event: version,
        };
      }),
  },
  {
    id: "told-late",
    fact: "an update people were promised was late",
    of: ({ events }) =>
      eventsOf(events, "comms.late").map(({ data, version }) => ({
        what: `Send ${DUE_TITLES[data.kind]} in time`,
        why: `It was due at ${stamp(new Date(data.dueAt))}`,
        event: version,
      })),
  },
  {
    id: "not-delivered",
    fact: "an update did not reach its readers",
    of: ({ events }) =>
      eventsOf(events, "update.undelivered").map(({ data, version }) => ({
        what: "Tell the readers whom an update did not reach",
        why: data.says,
        event: version,
      })),
  },
  {
    id: "impact-unknown",
    fact: "no start of the impact was recorded",
    of: ({ state, events }) =>
      state.declared?.kind !== "real" || state.declared.impactStartedAt !== null
        ? []
        : [
            {
              what: "Find out when the impact began",
              why: "It wasn't recorded, so the RTO counts from the declaration",
              event: events[0]?.version ?? null,
            },
          ],
  },
  {
    id: "afterwards",
    fact: "the runbook says what to do when it is over",
    of: ({ runs }) =>
      runs
        .filter((run) => run.ending?.as === "verified")
        .flatMap((run) =>
          run.plan.afterwards
            // Whether there is a standby again is a fact of its own.
            .filter((line) => !(STANDBY.test(line) && promoted(run)))
            .map((line) => ({ what: plainLine(line), why: `Says “${run.plan.title}”`, event: null })),
        ),
  },
  {
    id: "drill-overdue",
    fact: "a drill or a verification of the calendar is overdue",
    of: ({ overdue }) =>
      overdue.map((title) => ({ what: `Hold “${title}”`, why: "It is overdue by the calendar", event: null })),
  },
];

const DUE_TITLES = {
  firstNotice: "the first notice",
  update: "the next update",
  resolution: "the notice of the resolution",
  postmortem: "the post-mortem",
} as const;

/** What a runbook says about the standby is told with the fact that there is none. */
const STANDBY = /\bstandby\b/i;
const PROMOTES = /^(postgres|rds)\.promote/;
const REBUILDS = /\.(rejoin|reinitialize|make_replica|follow)$/;

/** Promotions that nothing rebuilt a standby after, in its own run or a later one that was verified. */
function withoutStandby(runs: readonly RunState[]): readonly { run: RunState; step: StepState }[] {
  const done = runs.flatMap((run) =>
    [...run.steps.values()].flatMap((step) =>
      step.status === "done" && step.step.kind === "action" ? { run, step, action: step.step.action, at: step.at } : [],
    ),
  );
  const rebuilt = done.filter(({ action }) => REBUILDS.test(action));
  return done.filter(({ action, at }) => PROMOTES.test(action) && !rebuilt.some((one) => one.at > at));
}

function promoted(run: RunState): boolean {
  return [...run.steps.values()].some(({ step, status }) => {
    return status === "done" && step.kind === "action" && PROMOTES.test(step.action);
  });
}

function plainLine(line: string): string {
  return line.replaceAll("`", "").trim();
}

/** Runs that are held against an objective. */
function judged({ runs }: Known): readonly RunState[] {
  return runs.filter((run) => !isAfterRecovery(runs, run));
}

function isLaterGood(one: RunState, than: RunState): boolean {
  return one.ending?.as === "verified" && one.requestedAt >= than.requestedAt;
}

function mostOf({ state, events }: Known, run: RunState): string {
  const counted = account(state, run, events.at(-1)?.at ?? run.requestedAt);
  const most = counted?.phases.reduce((largest, one) => (one.seconds > largest.seconds ? one : largest));
  if (counted === null || most === undefined || counted.totalSeconds === 0) return "";
  return `, ${share(most.seconds, counted.totalSeconds)} % of it ${LANES[most.name].title.toLowerCase()}`;
}

function runOf(runs: ReadonlyMap<string, RunState>, id: string | null): RunState | undefined {
  return id === null ? undefined : runs.get(id);
}
