import { delegatedAt } from "../../../src/incident/authority.ts";
import { delegatedTo } from "../../../src/incident/delegation.ts";
import { personById } from "../../../src/incident/people.ts";
import type { PastAsk } from "../../../src/incident/state.ts";
import type { Message } from "../kit/message.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";
import type { ApprovalRequest } from "./gate.ts";
import { gateSuperseded, noLongerAsked } from "./gate-end.ts";

/**
 * The question once more, to each who is asked, by direct message: the buttons there are as good as those in the thread, and
 * it is edited to the outcome like the one in the thread. Never to who asked for the run.
 */
export function askedDirectly(ask: ApprovalRequest, message: Message, around: Surroundings): ShownMessage[] {
  const { run, step, gate } = ask;
  const roles = [gate.role, ...gate.escalate.slice(0, gate.level).map(({ role }) => role)];
  return [
    ...gate.past.flatMap((past) => letters(ask, past, gateSuperseded(run, step, past.says, around), around)),
    ...letters(ask, { ...gate, roles }, message, around),
  ];
}

function letters(
  { state, run, gate, step }: ApprovalRequest,
  asked: Pick<PastAsk, "ask" | "roles" | "approvers" | "holders" | "openedAt" | "closedAt">,
  message: Message,
  around: Surroundings,
): ShownMessage[] {
  // Also what is delegated no longer: a letter that was sent is edited to the outcome.
  const delegated = delegatedAt(run, gate, state.delegations).filter(
    ({ since, until }) => until > asked.openedAt && (asked.closedAt === null || since < asked.closedAt),
  );
  const isAsked = (role: string) => asked.roles.includes(role);
  const people = around.system.people.filter((person) => {
    const own = asked.approvers.includes(person.id) && person.roles.some(isAsked);
    const borrowed = delegatedTo(person, run, around.system, delegated).some(({ role }) => isAsked(role));
    return (own || borrowed) && person.id !== run.requester && !person.slack.includes(run.requester);
  });
  const letter = (id: string, account: string, says: Message): ShownMessage => ({
    ...{ key: `gate:${asked.ask}:to:${id}`, in: { person: account }, under: null, priority: 0, message: says },
  });
  // Who was asked and has lost the role since: their letter asks nothing any more.
  const isOpen = asked.ask === gate.ask && gate.outcome === "open" && run.endedAt === null;
  const over = isOpen ? noLongerAsked(run, step, around) : message;
  const former = asked.holders.filter(
    ({ role, person, account }) =>
      isAsked(role) &&
      person !== run.requester &&
      account !== run.requester &&
      personById(person, around.system)?.deactivated !== true &&
      !people.some((one) => one.id === person || one.slack.includes(account ?? "")),
  );
  const gone = new Map(former.flatMap(({ person, account }) => (account === null ? [] : [[person, account] as const])));
  return [
    ...people.flatMap(({ id, slack: [account] }) => (account === undefined ? [] : [letter(id, account, message)])),
    ...[...gone].map(([person, account]) => letter(person, account, over)),
  ];
}
