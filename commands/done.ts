import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say, stop } from "../src/command/reply/say.ts";
import { findRun, stepIn } from "../src/command/resolve/run.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";
import { stepDone } from "../templates/messages/run/answers.ts";
import { noStep } from "../templates/messages/run/command-refusals.ts";
import { confirmForm } from "../templates/messages/run/forms.ts";

export const done: Command = {
  verb: "done",
  aliases: ["step.confirm"],
  summary: "Mark a manual step as done, and note the result.",
  usage: "/dr done [<run>] [<step>] [<note…>] [--incident <id>]",
  examples: ["/dr done", "/dr done call-provider They confirmed at 02:50"],
  async handle(context, request) {
    const { state, run, pressed, words } = await findRun(context, request);
    const [first] = words;
    const named = pressed ?? (first !== undefined && run.steps.has(first) ? first : null);
    const step = stepIn(run, named, ({ status, step }) => status === "open" && step.kind === "manual");
    if (step === null) return stop(noStep({ title: run.plan.title, steps: [...run.steps.keys()] }, named, "manual"));
    const title = run.steps.get(step)?.step.title ?? step;
    const isButton = request.actionValue !== null && request.form === null;
    if (isButton && request.canAskForm) return { kind: "form", form: confirmForm(actionValue(run.id, step), title) };
    const typed = words.slice(named !== null && pressed === null ? 1 : 0).join(" ");
    const note = (request.form?.note ?? typed).trim() || null;
    const acted = await act(context, request, state.id, { type: "confirmStep", run: run.id, step, note });
    if (acted.kind === "refused") return no(acted.problem);
    return say(stepDone(run, step));
  },
};
