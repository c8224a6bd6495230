import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, stop } from "../src/command/reply/say.ts";
import { findRun, stepIn } from "../src/command/resolve/run.ts";
import { needsPerson } from "../src/incident/status.ts";
import { stepRetried } from "../templates/messages/run/answers.ts";
import { noStep } from "../templates/messages/run/command-refusals.ts";

export const retry: Command = {
  verb: "retry",
  aliases: ["step.retry"],
  summary: "Retry a failed step, or request a denied or expired approval again.",
  usage: "/dr retry [<run>] [<step>] [--incident <id>]",
  examples: ["/dr retry", "/dr retry promote"],
  async handle(context, request) {
    const { state, run, pressed, words } = await findRun(context, request);
    const step = stepIn(run, pressed ?? words[0] ?? null, needsPerson);
    if (step === null)
      return stop(noStep({ title: run.plan.title, steps: [...run.steps.keys()] }, words[0] ?? null, "retry"));
    const acted = await act(context, request, state.id, { type: "retryStep", run: run.id, step });
    if (acted.kind === "refused") return no(acted.problem);
    return say(stepRetried(run, step));
  },
};
