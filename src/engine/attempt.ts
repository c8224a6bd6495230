import type { ActionStep } from "../catalog/types.ts";
import type { NewEvent, StepEvent } from "../incident/events.ts";
import { stepsInOrder } from "../incident/order.ts";
import type { RunState, StepState } from "../incident/state.ts";
import { messageOf, type Problem } from "../lib/errors.ts";
import { claimsNext } from "./admit.ts";
import { evidencesOf } from "./evidence.ts";
import { applyContext, type Job, jobOf, observe, readContext } from "./look.ts";
import { createProgressReporter, type ProgressReporter } from "./progress-reporter.ts";
import { botEvent, type RunContext } from "./run-context.ts";
import type { Writing } from "./run-event-writer.ts";

/** The attempt is no longer in progress on the timeline: someone else decided about it. Nothing more is done for it. */
export class Superseded extends Error {}

type StepOutcome = Exclude<StepEvent["type"], "step.opened" | "step.confirmed" | "step.retried" | "step.skipped">;
type DataWithout<T extends StepOutcome> = Omit<Extract<StepEvent, { type: T }>["data"], "step" | "attempt" | "seconds">;
type Running = Extract<StepState, { status: "running" }>;

/** One attempt at one step: what it may look at, what it says, and what it writes. */
export interface Attempt {
  readonly runContext: RunContext;
  readonly step: ActionStep;
  readonly number: number;
  /** A person asked for this attempt: it may do again what the rule would not. */
  readonly askedByPerson: boolean;
  readonly reporter: ProgressReporter;
  /** Binds the plan's step to its action. Throws a `LifeboatError` where this version can't. */
  job(): Job;
  /** Looks once. As plain JSON, exactly what would be read back after a crash. */
  look(job: Job): Promise<unknown>;
  applyContext(job: Job, signal: AbortSignal): ReturnType<typeof applyContext>;
  /** Rejects with `Superseded` when the attempt is not in progress any more, or `only` says that it may not be written. */
  record<T extends StepOutcome>(type: T, data: DataWithout<T>, only?: (run: RunState) => boolean): Promise<void>;
  /**
   * Records that it is verified, and with it, in one commit, the claim of the step that follows at once where nothing has to be looked at
   * or asked before.
   */
  verified(data: DataWithout<"step.verified">): Promise<void>;
  /** Writes it together with the next record, or alone where none follows within `NOTE_MS`. Resolves when it is written. */
  note<T extends StepOutcome>(type: T, data: DataWithout<T>): Promise<void>;
  fail(problem: Problem, retryable: boolean): Promise<void>;
  stop(problem: Problem): Promise<void>;
}

/**
 * What is proven this soon is written with its proof, in one commit. A crash meanwhile leaves the intent as the last word,
 * as one just before the note always did.
 */
const NOTE_MS = 5;

/** `under`: the epoch the attempt is recorded under, which is ours unless a run that has ended is only being settled. */
export function openAttempt(runContext: RunContext, step: ActionStep, number: number, under: string): Attempt {
  const { writer, settings } = runContext;
  const { epoch } = writer.lease;
  const evidences = evidencesOf(() => writer.run());
  const known = writer.run().steps.get(step.id);
  let progressed = 0;
  let noted: Note | null = null;

  const write = async (entries: readonly Entry[], only: (run: RunState) => boolean, then?: Writing["then"]) => {
    let known: "written" | "superseded" = "superseded";
    await writer.write((run, now) => {
      const state = run.steps.get(step.id);
      known = state && isOurs(state, number, under) && only(run) ? "written" : "superseded";
      if (known === "superseded") return null;
      const seconds = Math.max(0, (now.getTime() - (state as Running).since.getTime()) / 1_000);
      const events = entries.map(({ type, data }) => {
        const timed = type === "step.verified" || type === "step.failed" ? { seconds } : {};
        const count = type === "step.progressed" ? `/${++progressed}` : "";
        const event = { type, data: { step: step.id, attempt: number, ...data, ...timed } } as unknown as NewEvent;
        return botEvent(runContext, `${type}/${step.id}/${number}/${epoch}${count}`, event);
      });
      return { events, ...(then && { then }) };
    });
    if (known === "superseded") throw new Superseded();
  };
  const withNote = (entry: Entry, only: (run: RunState) => boolean, then?: Writing["then"]): Promise<void> => {
    const before = noted?.taken() ?? null;
    const written = write([...(before ? [before.entry] : []), entry], only, then);
    before?.settle(written);
    return written;
  };
  const record: Attempt["record"] = async (type, data, only = () => true) => withNote({ type, data }, only);
  const verified: Attempt["verified"] = async (data) => {
    let claimed: string | null = null;
    const then: Writing["then"] = (run, now, state) => {
      const claims = mayGoOn(run, step.id) ? claimsNext(runContext, run, now, state) : null;
      claimed = claims?.step ?? null;
      return claims?.events ?? [];
    };
    await withNote({ type: "step.verified", data }, () => true, then);
    if (claimed !== null) runContext.killPoint(claimed, "started");
  };
  const note: Attempt["note"] = (type, data) =>
    new Promise((resolve) => {
      const entry = { type, data };
      const timer = setTimeout(() => noted?.taken()?.settle(write([entry], () => true)), NOTE_MS);
      noted = {
        taken() {
          clearTimeout(timer);
          noted = null;
          return { entry, settle: resolve };
        },
      };
    });
  const reporter = createProgressReporter(
    (says) => {
      record("step.progressed", { says }).catch((error) => {
        runContext.log.debug(
          { event: "run.progress_not_recorded", step: step.id, error: messageOf(error) },
          "progress was not recorded",
        );
      });
    },
    {
      silenceMs: settings.silenceMs,
      warnSeconds: step.budget.warnSeconds,
      sayLate:
        `Late: this usually takes ${step.budget.typicalSeconds} s and has taken ${step.budget.warnSeconds} s; ` +
        `it is given up after ${step.budget.failSeconds} s`,
    },
  );
  return {
    runContext,
    step,
    number,
    askedByPerson: known !== undefined && number > 1 && known.forgiven === number - 1,
    reporter,
    job: () => jobOf(step, runContext.around.actions, writer.run().plan),
    look: async (job) => plain(await observe(job, runContext.around, evidences, runContext.lost)),
    applyContext: (job, signal) =>
      applyContext(readContext(job, runContext.around, evidences, signal), job, runContext.around, {
        progress: (says) => reporter.say(says),
        launched: (process, says) => record("step.progressed", { says, process }),
      }),
    record,
    verified,
    note,
    async fail(problem, retryable) {
      reporter.end();
      await record("step.failed", { problem, retryable });
    },
    async stop(problem) {
      reporter.end();
      await record("step.stopped", { problem });
    },
  };
}

interface Entry {
  readonly type: StepOutcome;
  readonly data: object;
}

/** Something that waits to be written with what comes next. The one who takes it writes it. */
interface Note {
  taken(): { readonly entry: Entry; readonly settle: (written: Promise<void>) => void };
}

/**
 * What was seen is written without secrets and as JSON has it, and is decided on before: so no step may depend on what exactly it says.
 */
function mayGoOn({ plan }: RunState, step: string): boolean {
  return stepsInOrder(plan).every((one) => one.step.when?.step !== step);
}

function isOurs(state: StepState, attempt: number, epoch: string): boolean {
  return state.status === "running" && state.attempts === attempt && state.epoch === epoch;
}

function plain(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
