import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act, NOTHING_PROVED, wouldRefuse } from "../src/command/execute/act.ts";
import { signedFor } from "../src/command/execute/step-up.ts";
import { no, say, stop } from "../src/command/reply/say.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { findRun } from "../src/command/resolve/run.ts";
import {
  denialExplained,
  denied,
  denySays,
  explainSays,
  noOpenApproval,
} from "../templates/messages/approval/answers.ts";
import { denyReason } from "../templates/messages/approval/command-refusals.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";
import { leftLines } from "../templates/messages/run/left.ts";

/** The verb of the button of earlier versions that adds the reason afterwards. */
const EXPLAIN = "gate.explain";

export const deny: Command = {
  verb: "deny",
  aliases: ["gate.deny", EXPLAIN, "reject"],
  summary: "Deny an approval, with a reason: the run stops there until it's requested again or aborted.",
  usage: "/dr deny [<run>] <reason…> [--incident <id>]",
  examples: ["/dr deny Too much would be lost, wait for the provider"],
  async handle(context, request) {
    if (request.verb === EXPLAIN) return explain(context, request);
    const { state, run, pressed, words } = await findRun(context, request);
    const ask = pressed ?? openApprovalRequests(state, run)[0]?.gate.ask ?? null;
    if (ask === null) return say(noOpenApproval(run));
    const reason = (request.form?.reason ?? words.join(" ")).trim() || null;
    const command = { type: "deny", run: run.id, ask, reason } as const;
    if (reason === null && !(await wouldRefuse(context, request, state, command))) {
      if (request.form === null && request.canAskForm)
        return {
          kind: "form",
          form: reasonForm("gate.deny", "Deny: why?", "Deny", actionValue(run.id, ask), denySays(run)),
        };
      return stop(denyReason(run.plan.title, run.id));
    }
    const signed = signedFor(request, run, ask);
    const proof = { ...NOTHING_PROVED, ...(signed && { signed }) };
    const acted = await act(context, request, state.id, command, null, proof);
    if (acted.kind === "refused") return no(acted.problem);
    const step = openApprovalRequests(state, run).find(({ gate }) => gate.ask === ask)?.step.id;
    // In Slack the card says the rest, where everyone reads it.
    const left = request.caller.transport === "slack" || step === undefined ? [] : leftLines(run, step);
    return say(denied(run, reason ?? "", left));
  },
};

async function explain(context: CommandContext, request: Request): Promise<Reply> {
  const { state, run, pressed, words } = await findRun(context, request);
  const ask = pressed ?? "";
  const reason = request.form?.reason ?? words.join(" ");
  if (request.form === null && request.canAskForm) {
    const says = explainSays(run);
    return { kind: "form", form: reasonForm(EXPLAIN, "Why it was denied", "Say why", actionValue(run.id, ask), says) };
  }
  const acted = await act(context, request, state.id, { type: "explain", run: run.id, ask, reason });
  if (acted.kind === "refused") return no(acted.problem);
  return say(denialExplained(run, reason));
}
