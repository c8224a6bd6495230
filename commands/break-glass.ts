import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { gateAsking, prove } from "../src/command/execute/step-up.ts";
import { no, say } from "../src/command/reply/say.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { type Found, findRun } from "../src/command/resolve/run.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { needsSecondFactor } from "../src/incident/authority.ts";
import { needsSecond } from "../src/incident/break-glass.ts";
import type { IncidentCommand } from "../src/incident/commands.ts";
import { personById } from "../src/incident/people.ts";
import type { IncidentState, RunState } from "../src/incident/state.ts";
import {
  breakGlassConfirmed,
  breakGlassSays,
  breakGlassUsed,
  breakGlassWaits,
  confirmBreakSays,
  noOpenApproval,
} from "../templates/messages/approval/answers.ts";
import { proveForm } from "../templates/messages/approval/forms.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";

const CONFIRM = "gate.confirm-break";

export const breakGlass: Command = {
  verb: "break-glass",
  aliases: ["gate.break", CONFIRM, "breakglass"],
  summary: "Override an unanswered approval: with a reason and a second person, announced, reviewed afterwards.",
  usage: "/dr break-glass [<run>] <reason…> [--code <code>] [--incident <id>]",
  examples: ["/dr break-glass No approver answers and the region is gone"],
  async handle(context, request) {
    const found = await findRun(context, request);
    const ask = found.pressed ?? openApprovalRequests(found.state, found.run)[0]?.gate.ask ?? null;
    if (ask === null) return say(noOpenApproval(found.run, "override"));
    return request.verb === CONFIRM ? confirm(context, request, found, ask) : smash(context, request, found, ask);
  },
};

async function smash(
  context: CommandContext,
  request: Request,
  { state, run, words }: Found,
  ask: string,
): Promise<Reply> {
  const carries = actionValue(run.id, ask);
  const gate = gateAsking(run, ask);
  const typed = (request.form?.reason ?? words.join(" ")).trim();
  const mine = gate?.breaking && gate.breaking.person === request.caller.person ? gate.breaking.reason : null;
  const reason = typed || mine;
  const stepUp = gate !== null && needsSecondFactor(run, gate);
  const says = breakGlassSays(run);
  if (reason === null && request.form === null && request.canAskForm && !stepUp)
    return { kind: "form", form: reasonForm("gate.break", "Use break-glass", "Use break-glass", carries, says, true) };
  const command: IncidentCommand = { type: "breakGlass", run: run.id, ask, reason: reason ?? "not given yet" };
  const proved = await prove(context, request, {
    ...{ state, run, ask, command },
    form: () =>
      proveForm(
        "gate.break",
        "Use break-glass",
        "Use break-glass",
        carries,
        [safe(says)],
        mine === null ? "needed" : "none",
      ),
    typed: `/dr break-glass ${run.id} <reason>`,
  });
  if (proved.kind === "asked") return proved.reply;
  const acted = await act(context, request, state.id, { ...command, reason }, null, proved.proved);
  if (acted.kind === "refused") return no(acted.problem);
  const after = (await context.incidents.read(state.id)).runs.get(run.id);
  const waits = after && gateAsking(after, ask)?.broken === null ? gateAsking(after, ask)?.breaking : null;
  if (waits)
    return say(
      breakGlassWaits(run, waits.reason, mustHaveSecond(context, state, run, waits.person) ? null : waits.aloneAt),
    );
  return say(breakGlassUsed(run));
}

function mustHaveSecond(context: CommandContext, state: IncidentState, run: RunState, person: string): boolean {
  const system = systemOf(context, state);
  const first = personById(person, system);
  return first !== null && needsSecond(first, run, system);
}

async function confirm(context: CommandContext, request: Request, { state, run }: Found, ask: string): Promise<Reply> {
  const command: IncidentCommand = { type: "confirmBreak", run: run.id, ask };
  const breaking = gateAsking(run, ask)?.breaking;
  const says = confirmBreakSays(run, breaking?.reason ?? "");
  const proved = await prove(context, request, {
    ...{ state, run, ask, command },
    form: () => proveForm(CONFIRM, "Confirm break-glass", "Confirm", actionValue(run.id, ask), [safe(says)]),
    typed: `/dr ${CONFIRM} ${run.id}`,
  });
  if (proved.kind === "asked") return proved.reply;
  const acted = await act(context, request, state.id, command, null, proved.proved);
  if (acted.kind === "refused") return no(acted.problem);
  return say(breakGlassConfirmed(run));
}
