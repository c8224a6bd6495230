import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { prove } from "../src/command/execute/step-up.ts";
import { no, say, stop, surroundings } from "../src/command/reply/say.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { approved, howToApprove, noOpenApproval } from "../templates/messages/approval/answers.ts";
import { stepsUnseen } from "../templates/messages/approval/command-refusals.ts";
import { proveForm } from "../templates/messages/approval/forms.ts";
import { gateCard } from "../templates/messages/approval/gate.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import { notFencedLines } from "../templates/messages/run/fence.ts";
import { needsList, showPage } from "./steps.ts";

export const approve: Command = {
  verb: "approve",
  aliases: ["gate.approve"],
  summary: "Approve a run. Without a request id, show what needs approval.",
  usage: "/dr approve [<run>] [<question>] [--code <code>] [--incident <id>]",
  examples: ["/dr approve", "/dr approve ask-7k2m9xqz"],
  whole: ({ words }) => words.every((word) => /^(?:run|ask)-[a-z0-9-]+$/.test(word)),
  async handle(context, request) {
    const { state, run, pressed, words } = await findRun(context, request);
    const ask = pressed ?? words[0] ?? null;
    if (ask === null) {
      const [open] = openApprovalRequests(state, run);
      if (open === undefined) return say(noOpenApproval(run));
      const card = gateCard(open, surroundings(context, state, await context.channelOf(state.id)));
      return {
        kind: "private",
        message: { text: `${card.text}\n${howToApprove(run, open.gate.ask)}`, blocks: card.blocks },
      };
    }
    const unseen = needsList(run, ask, request);
    if (unseen !== null && request.canAskForm) return showPage(context, request, state, unseen, 1);
    if (unseen !== null) return stop(stepsUnseen(run.plan.title));
    const command = { type: "approve", run: run.id, ask } as const;
    const lost = openApprovalRequests(state, run).find(({ gate }) => gate.ask === ask)?.gate.loss ?? "";
    const around = surroundings(context, state, await context.channelOf(state.id));
    const proved = await prove(context, request, {
      ...{ state, run, ask, command },
      form: () =>
        proveForm("gate.approve", "Approve", "Approve", actionValue(run.id, ask), [
          `*${safe(run.plan.title)}*`,
          safe(run.plan.target),
          ...notFencedLines(run, around, true),
          `*Data loss:* ${safe(lost)}`,
        ]),
      typed: `/dr approve ${run.id} ${ask}`,
    });
    if (proved.kind === "asked") return proved.reply;
    const acted = await act(context, request, state.id, command, null, proved.proved);
    if (acted.kind === "refused") return no(acted.problem);
    return say(approved(run));
  },
};
