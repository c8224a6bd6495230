import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { nameIn, no, say } from "../src/command/reply/say.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { noOpenApproval, questionAsked } from "../templates/messages/approval/answers.ts";
import { questionForm } from "../templates/messages/approval/forms.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";

export const ask: Command = {
  verb: "ask",
  aliases: ["gate.ask", "question"],
  summary: "Ask the requester a question before you decide, in the run's thread.",
  usage: "/dr ask [<run>] <question…> [--incident <id>]",
  examples: ["/dr ask Has the provider said when they are back?"],
  async handle(context, request) {
    const { state, run, pressed, words } = await findRun(context, request);
    const about = pressed ?? openApprovalRequests(state, run)[0]?.gate.ask ?? null;
    if (about === null) return say(noOpenApproval(run, "ask"));
    const text = (request.form?.question ?? words.join(" ")).trim();
    if (text === "" && request.form === null && request.canAskForm)
      return { kind: "form", form: questionForm(actionValue(run.id, about), `${run.plan.title}: ${run.plan.target}`) };
    const acted = await act(context, request, state.id, { type: "question", run: run.id, ask: about, text });
    if (acted.kind === "refused") return no(acted.problem);
    return say(questionAsked(run, nameIn(context, run.requester)));
  },
};
