import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say } from "../src/command/reply/say.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { noOpenApproval, questionAnswered } from "../templates/messages/approval/answers.ts";
import { answerForm } from "../templates/messages/approval/forms.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";

export const answer: Command = {
  verb: "answer",
  aliases: ["gate.answer"],
  summary: "Answer a question asked before a decision.",
  usage: "/dr answer [<run>] <answer…> [--incident <id>]",
  examples: ["/dr answer Not before four, they say"],
  async handle(context, request) {
    const { state, run, pressed, words } = await findRun(context, request);
    const open = openApprovalRequests(state, run);
    const found = pressed === null ? open[0] : open.find(({ gate }) => gate.ask === pressed);
    const about = pressed ?? found?.gate.ask ?? null;
    if (about === null) return say(noOpenApproval(run, "answer"));
    const text = (request.form?.answer ?? words.join(" ")).trim();
    if (text === "" && request.form === null && request.canAskForm) {
      const question = found?.gate.talk.findLast(({ kind }) => kind === "question")?.says ?? run.plan.title;
      return { kind: "form", form: answerForm(actionValue(run.id, about), question) };
    }
    const acted = await act(context, request, state.id, { type: "answer", run: run.id, ask: about, text });
    if (acted.kind === "refused") return no(acted.problem);
    return say(questionAnswered(run));
  },
};
