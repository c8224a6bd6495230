import type { Command } from "../src/command/command.ts";
import { act, wouldRefuse } from "../src/command/execute/act.ts";
import { no, say, stop } from "../src/command/reply/say.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { escalated, escalateSays, noOpenApproval } from "../templates/messages/approval/answers.ts";
import { escalateReason } from "../templates/messages/approval/command-refusals.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";
import { roleOf } from "../templates/messages/kit/people.ts";

export const escalate: Command = {
  verb: "escalate",
  aliases: ["gate.escalate"],
  summary: "Escalate an approval to the next level now, with a reason.",
  usage: "/dr escalate [<run>] <why…> [--incident <id>]",
  examples: ["/dr escalate Sam is on a plane"],
  async handle(context, request) {
    const { state, run, pressed, words } = await findRun(context, request);
    const ask = pressed ?? openApprovalRequests(state, run)[0]?.gate.ask ?? null;
    if (ask === null) return say(noOpenApproval(run));
    const why = (request.form?.reason ?? words.join(" ")).trim() || null;
    const before = openApprovalRequests(state, run).find(({ gate }) => gate.ask === ask)?.gate;
    const next = before?.escalate[before.level]?.role;
    const who = next ? (roleOf(systemOf(context, state), next)?.title ?? next) : null;
    const command = { type: "escalate", run: run.id, ask, why } as const;
    if (why === null && !(await wouldRefuse(context, request, state, command))) {
      const says = escalateSays(run, who);
      if (request.form === null && request.canAskForm)
        return {
          kind: "form",
          form: reasonForm("gate.escalate", "Escalate: why now?", "Escalate", actionValue(run.id, ask), says),
        };
      return stop(escalateReason(run.plan.title, run.id));
    }
    const acted = await act(context, request, state.id, command);
    if (acted.kind === "refused") return no(acted.problem);
    return say(escalated(run, who));
  },
};
