import type { ManualStep } from "../../../src/catalog/types.ts";
import type { IncidentState, RunState, StepState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, context, lines, section } from "../kit/blocks.ts";
import { cut, plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { roleWithHolders } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, lasting } from "../kit/when.ts";

/** A step that a person does with their own hands: what to do, and how to say that it is done. */
export function manualStep(
  state: IncidentState,
  run: RunState,
  step: StepState & { status: "open" },
  manual: ManualStep,
  around: Surroundings,
): Message {
  const who = manual.role ? roleWithHolders(state, around, manual.role) : "Anyone on the roster";
  const head = `${kindPrefix(run.plan.kind, around.practice)}Manual step: ${safe(manual.title)}`;
  return {
    text: `${head}. ${who}: ${safe(cut(manual.instructions, 1500))} Press Done when it's done.`,
    blocks: [
      section(`👤 *${head}*\n${who}`),
      ...lines(manual.instructions.split("\n").map((line) => `> ${safe(cut(line, 600))}`)),
      actions(
        {
          label: "Done…",
          verb: "step.confirm",
          actionValue: actionValue(run.id, manual.id),
          style: "primary",
          aloud: `${plain(manual.title)} is done`,
        },
        {
          label: "Skip this step…",
          verb: "step.skip",
          detail: manual.id,
          actionValue: actionValue(run.id, manual.id),
          style: "danger",
          aloud: `Skip ${plain(manual.title)}`,
        },
      ),
      context(
        step.until === null
          ? `Asked ${at(step.since)} · the run waits for this`
          : `Asked ${at(step.since)} · the run continues at ${at(step.until)} either way`,
      ),
    ],
  };
}

/** Afterwards: what was said about it, and no buttons. */
export function manualOver(run: RunState, step: StepState, around: Surroundings): Message | null {
  const head = `${kindPrefix(run.plan.kind, around.practice)}Manual step: ${safe(step.step.title)}`;
  const says =
    step.status === "done"
      ? `done after ${lasting(step.seconds)}. ${safe(cut(step.says, 1000))}`
      : step.status === "skipped"
        ? `skipped: ${safe(cut(step.reason, 1000))}`
        : run.endedAt !== null && step.status === "open"
          ? "the run ended before it was done"
          : null;
  if (says === null) return null;
  const text = `${head}: ${says}`;
  return { text, blocks: [section(`${step.status === "done" ? "✅" : "⏹️"} ${text}`)] };
}
