import { actorOf, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { meant, Unclear } from "../src/command/resolve/incident.ts";
import { startWords } from "../src/command/resolve/runbook.ts";
import { entitled } from "../src/incident/authority.ts";
import { delegationsNow } from "../src/incident/delegation.ts";
import { personOf } from "../src/incident/people.ts";
import { isLive } from "../src/incident/status.ts";
import type { ApprovalRequest } from "../templates/messages/approval/gate.ts";
import { quiet, situation, waitingForYou, which } from "../templates/messages/incident/situation.ts";

/** `/dr` alone: what can be done here and now. */
export async function overview(context: CommandContext, request: Request): Promise<Reply> {
  const [mine, ...others] = await waitingFor(context, request);
  if (mine !== undefined) return { kind: "private", message: waitingForYou(mine, others.length) };
  const found = await meant(context, request);
  const starts = startWords(context);
  if (found.kind === "several") throw new Unclear(which(found.open));
  if (found.kind === "none") {
    const systems = context.catalog.systems.map(({ title }) => title);
    return { kind: "private", message: quiet(systems, starts) };
  }
  const { incident } = found;
  const inside = incident.channel !== null && incident.channel === request.place.channel;
  const system = context.catalog.systems.find(({ id }) => id === incident.state.declared?.system);
  return { kind: "private", message: situation(incident, starts, inside, system?.triage !== undefined) };
}

/** Open approval requests that wait for the one who asks, the oldest first. */
async function waitingFor(context: CommandContext, { caller }: Request): Promise<readonly ApprovalRequest[]> {
  const now = context.timeline.now();
  const open = await context.incidents.open();
  const requests = open.flatMap(({ state }) => {
    const system = context.catalog.systems.find(({ id }) => id === state.declared?.system);
    const person = system && personOf(actorOf(caller), system);
    if (!system || !person) return [];
    const delegated = delegationsNow(state, now);
    return [...state.runs.values()]
      .filter(isLive)
      .flatMap((run) => openApprovalRequests(state, run))
      .filter(({ gate }) => gate.broken === null && !gate.approvals.some((one) => one.person === person.id))
      .filter(({ run, gate }) => entitled(run, gate, system, delegated).some(({ id }) => id === person.id));
  });
  return requests.toSorted((a, b) => a.gate.openedAt.getTime() - b.gate.openedAt.getTime());
}
