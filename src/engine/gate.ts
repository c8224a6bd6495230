import { answerAhead } from "../incident/ahead.ts";
import { awaited } from "../incident/authority.ts";
import { delegationsNow } from "../incident/delegation.ts";
import type { Preflight } from "../incident/events.ts";
import { adviceOf, failedOf, findingsOf } from "../incident/findings.ts";
import { fallThrough, gateDue, openGate } from "../incident/gates.ts";
import type { RunState } from "../incident/state.ts";
import { stateNow } from "../incident/state-now.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { conformanceNow, systemOf } from "./admit.ts";
import { next } from "./next.ts";
import { lookAhead } from "./preflight.ts";
import { botEvent, type RunContext } from "./run-context.ts";

/** A look at the world may be shown in an approval this long after it was taken, while nothing was done. */
const SHOWN_FOR_MS = 60_000;

/** Asks for approvals, on facts that are fresh: what was done since the last look may have changed them. */
export async function askAtGate(runContext: RunContext, step: string): Promise<void> {
  const { writer } = runContext;
  const ask = newId("ask", 16);
  const system = systemOf(runContext);
  const looked = isFresh(writer.run(), runContext.now())
    ? null
    : await lookAhead(writer.run(), runContext.around, runContext.lost);
  await writer.write((run, now, state) => {
    const intents = next(run, { epoch: writer.lease.epoch, now }).intents;
    if (!intents.some((intent) => intent.do === "openGate" && intent.step === step)) return null;
    if (looked && !looked.ready) return { events: [blocked(runContext, run, ask, looked)] };
    const shown = looked ? { ...run, preflight: { ...looked, at: now } } : run;
    const key = `${run.id}/ask/${ask}`;
    const conformance = conformanceNow(runContext, state, run);
    const opened = openGate(shown, step, { ask, now, key, system, conformance });
    return {
      events: [
        ...(looked ? [botEvent(runContext, `look/${ask}`, { type: "run.preflighted", data: looked })] : []),
        ...answerAhead(run, opened, system, now),
      ],
    };
  });
  await passOverTheEmpty(runContext, step);
}

/** Writes what time has made due: the next level is asked, or the ask ends. */
export async function moveGate(runContext: RunContext, step: string): Promise<void> {
  await runContext.writer.write((run, now) => {
    const { events } = gateDue(run, step, now);
    return events.length > 0 ? { events } : null;
  });
  await passOverTheEmpty(runContext, step);
}

/**
 * The one who is asked is looked up, each time someone is asked again or reminded: a level that was emptied (its people were
 * deactivated) is not waited for. Nothing is held up by a look-up that fails.
 */
async function passOverTheEmpty(runContext: RunContext, step: string): Promise<void> {
  const { writer } = runContext;
  const system = systemOf(runContext);
  const gone = await whoIsGone(runContext, step);
  await writer.write((run, now, state) => {
    const events = fallThrough(state, run, step, { now, system, gone });
    return events.length > 0 ? { events } : null;
  });
}

/** Looks at the people of all levels at once: those of the next level have to be there, too. */
async function whoIsGone(runContext: RunContext, step: string): Promise<ReadonlyMap<string, string>> {
  const gone = new Map<string, string>();
  const state = runContext.writer.run().steps.get(step);
  const { accountStatus } = runContext;
  if (state?.status !== "gate" || state.gate.outcome !== "open" || accountStatus.gone === undefined) return gone;
  const system = systemOf(runContext);
  const now = runContext.now();
  const all = { ...state.gate, level: state.gate.escalate.length };
  const delegated = delegationsNow(runContext.writer.state(), now);
  const asked = awaited(runContext.writer.run(), all, system, now, delegated).asked.flatMap(({ people }) => people);
  const people = new Set([...asked.map(({ id }) => id), ...delegated.map(({ from }) => from)]);
  await Promise.all(
    [...people].map(async (person) => {
      try {
        const looked = () => accountStatus.gone?.(system, person) ?? Promise.resolve(null);
        const why = await withDeadline(`Looking up ${person}`, 5, looked, runContext.lost);
        if (why !== null) gone.set(person, why);
      } catch (error) {
        runContext.log.warn(
          { event: "run.approver_unknown", person, error: messageOf(error) },
          "an approver could not be looked up",
        );
      }
    }),
  );
  return gone;
}

/** Nothing was begun and no ask ended since the last look, and the look is not old. */
function isFresh(run: RunState, now: Date): boolean {
  const looked = run.preflight?.at.getTime();
  if (looked === undefined) return false;
  const begun = [...run.steps.values()].some((step) => {
    if (step.status === "gate") return step.gate.closedAt !== null && step.gate.closedAt.getTime() > looked;
    if (step.status === "waiting" || step.status === "passedOver") return false;
    return step.status !== "done" || step.at.getTime() >= looked;
  });
  return !begun && now.getTime() - looked < SHOWN_FOR_MS;
}

function blocked(runContext: RunContext, run: RunState, ask: string, looked: Preflight) {
  const found = findingsOf(failedOf(looked.checks, "block"));
  return botEvent(runContext, `blocked/${ask}`, {
    type: "run.stuck",
    data: {
      problem: {
        code: "not-ready",
        where: run.title,
        what: found.map(({ says }) => says).join(" "),
        stateNow: stateNow(run),
        next: `${adviceOf(found)} resume (it's checked again), or abort the run.`,
      },
      facts: looked.facts,
    },
  });
}
