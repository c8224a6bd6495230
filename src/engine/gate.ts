import type { Preflight } from "../incident/events.ts";
import { gateDue, openGate } from "../incident/gates.ts";
import type { RunState } from "../incident/state.ts";
import { stateNow } from "../incident/state-now.ts";
import { newId } from "../lib/ids.ts";
import { systemOf } from "./admit.ts";
import { botEvent, type Driven } from "./driven.ts";
import { next } from "./next.ts";
import { lookAhead } from "./preflight.ts";

/** A look at the world may be shown in an approval this long after it was taken, while nothing was done. */
const SHOWN_FOR_MS = 60_000;

/** Asks for approvals, on facts that are fresh: what was done since the last look may have changed them. */
export async function askAtGate(driven: Driven, step: string): Promise<void> {
  const { journal } = driven;
  const ask = newId("ask", 16);
  const system = systemOf(driven);
  const looked = isFresh(journal.run(), driven.now())
    ? null
    : await lookAhead(journal.run(), driven.around, driven.lost);
  await journal.write((run, now) => {
    const intents = next(run, { epoch: journal.lease.epoch, now }).intents;
    if (!intents.some((intent) => intent.do === "openGate" && intent.step === step)) return null;
    if (looked && !looked.ready) return { events: [blocked(driven, run, ask, looked)] };
    const shown = looked ? { ...run, preflight: { ...looked, at: now } } : run;
    const key = `${run.id}/ask/${ask}`;
    return {
      events: [
        ...(looked ? [botEvent(driven, `look/${ask}`, { type: "run.preflighted", data: looked })] : []),
        openGate(shown, step, { ask, now, key, system }),
      ],
    };
  });
}

/** Writes what time has made due: the next level is asked, or the ask ends. */
export async function moveGate(driven: Driven, step: string): Promise<void> {
  await driven.journal.write((run, now) => {
    const { events } = gateDue(run, step, now);
    return events.length > 0 ? { events } : null;
  });
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

function blocked(driven: Driven, run: RunState, ask: string, looked: Preflight) {
  const failed = looked.checks.filter((check) => !check.ok && check.level === "block");
  return botEvent(driven, `blocked/${ask}`, {
    type: "run.stuck",
    data: {
      problem: {
        code: "not-ready",
        where: run.title,
        what: failed.map((check) => check.says).join(" "),
        stateNow: stateNow(run),
        next: "Put it right and resume: it is looked at again then. Or abort the run.",
      },
    },
  });
}
