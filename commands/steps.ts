import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { say } from "../src/command/reply/say.ts";
import { findRun } from "../src/command/resolve/run.ts";
import type { IncidentState, RunState } from "../src/incident/state.ts";
import { plainWords } from "../templates/messages/kit/escape.ts";
import { planSteps, planStepsFile } from "../templates/messages/run/answers.ts";
import { coveredBy, stepsOf } from "../templates/messages/run/plan.ts";
import { isLong, pagesOf, type Shown, stepLines, stepsForm } from "../templates/messages/run/plan-steps.ts";

const PREVIOUS = "plan.previous";
const NEXT = "plan.next";

export const steps: Command = {
  verb: "steps",
  aliases: ["plan.steps", PREVIOUS, NEXT],
  summary: "List every step of a run's plan: target, effect, script and hash.",
  usage: "/dr steps [<run>] [--incident <id>]",
  examples: ["/dr steps"],
  async handle(context, request) {
    const { state, run, pressed: ask, page } = await findRun(context, request);
    const shown = shownIn(run, ask);
    if (shown !== null && request.canAskForm) {
      const turned = request.verb === NEXT ? 1 : request.verb === PREVIOUS ? -1 : 0;
      return showPage(context, request, state, shown, (Number.parseInt(page ?? "1", 10) || 1) + turned);
    }
    const covered = new Set(shown === null ? [] : coveredBy(run.plan, shown.step.id).map(({ id }) => id));
    const lines = stepsOf(run.plan).flatMap((step, n) => stepLines(step, n + 1, covered.has(step.id)));
    const text = plainWords(lines.join("\n"));
    return request.caller.transport === "slack"
      ? {
          kind: "file",
          name: `steps-${run.id}.txt`,
          content: `${text}\n`,
          message: planStepsFile(run, stepsOf(run.plan).length),
          channel: null,
        }
      : say(planSteps(run, lines));
  },
};

/** The list opens, and it is recorded who opened it. */
export async function showPage(
  context: CommandContext,
  request: Request,
  state: IncidentState,
  shown: Shown,
  page: number,
): Promise<Reply> {
  const complete = page >= pagesOf(shown);
  if (page <= 1 || complete)
    await act(context, request, state.id, { type: "showSteps", run: shown.run.id, ask: shown.gate.ask, complete });
  return { kind: "form", form: stepsForm(shown, page) };
}

/** The question this is about; without its id the one that is open. */
export function shownIn(run: RunState, ask: string | null): Shown | null {
  for (const step of run.steps.values()) {
    if (step.status !== "gate" || step.step.kind !== "gate") continue;
    if (ask === null ? step.gate.outcome === "open" : step.gate.ask === ask)
      return { run, step: step.step, gate: step.gate };
  }
  return null;
}

/** True when this press has to open the list first: the card it stands on can't show all that would start. */
export function needsList(run: RunState, ask: string, request: Request): Shown | null {
  const shown = shownIn(run, ask);
  const pressed = request.verb === "gate.approve" && request.form === null;
  return pressed && shown !== null && isLong(shown) && shown.gate.outcome === "open" ? shown : null;
}
