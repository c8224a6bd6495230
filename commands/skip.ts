import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, stop } from "../src/command/reply/say.ts";
import { findRun, stepIn } from "../src/command/resolve/run.ts";
import { needsPerson } from "../src/incident/status.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";
import { skipSays, stepSkipped } from "../templates/messages/run/answers.ts";
import { noStep } from "../templates/messages/run/command-refusals.ts";

export const skip: Command = {
  verb: "skip",
  aliases: ["step.skip"],
  summary: "Skip a step, with a reason: done by hand, or not needed. Approvals are never skipped.",
  usage: "/dr skip [<run>] <step> <reason…> [--incident <id>]",
  examples: ["/dr skip repoint Done by hand at the load balancer"],
  async handle(context, request) {
    const { state, run, pressed, words } = await findRun(context, request);
    const [named, ...typed] = words;
    const step = stepIn(run, pressed ?? named ?? null, needsPerson);
    if (step === null)
      return stop(noStep({ title: run.plan.title, steps: [...run.steps.keys()] }, named ?? null, "skip"));
    const reason = request.form?.reason ?? typed.join(" ");
    if (reason.trim() === "" && request.form === null && request.canAskForm) {
      return {
        kind: "form",
        form: reasonForm("step.skip", "Skip a step", "Skip step", actionValue(run.id, step), skipSays(run, step)),
      };
    }
    const acted = await act(context, request, state.id, { type: "skipStep", run: run.id, step, reason });
    if (acted.kind === "refused") return no(acted.problem);
    return say(stepSkipped(run, step, reason));
  },
};
