import { COMMANDER } from "../../../src/incident/people.ts";
import type { IncidentState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, section } from "../kit/blocks.ts";
import { cut, ended, plain, safe } from "../kit/escape.ts";
import type { Message } from "../kit/message.ts";
import { holders } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";

/** Asks for the roles no one has taken: the command first, the others once someone has it. Null: there are none. */
export function unfilledRoles(state: IncidentState, around: Surroundings): Message | null {
  const roles = around.system.roles.filter(({ perIncident }) => perIncident);
  if (roles.length === 0) return null;
  const open = roles.filter(({ id }) => !state.roles.has(id));
  const over = state.status === "resolved" || state.status === "closed";
  if (open.length === 0 || over) {
    const text =
      open.length === 0 ? "All roles are assigned." : "The incident is over; open roles aren't needed any more.";
    return { text, blocks: [section(`👥 ${text}`)] };
  }
  const command = open.find(({ id }) => id === COMMANDER);
  const asked = command === undefined ? open : [command];
  const who = asked.map(({ id, title, explains }) => {
    const able = holders(around.system, state, id).slice(0, 5).map(around.names);
    return `*${safe(title)}* (${able.length === 0 ? "anyone on the roster" : able.join(", ")}): ${ended(safe(explains))}`;
  });
  const head = command === undefined ? "Open roles:" : "No incident commander yet.";
  const take: Button[] = asked.slice(0, 5).map(({ id, title }, n) => ({
    label: `Take: ${cut(title, 22)}`,
    verb: "role",
    detail: `take-${id}`,
    actionValue: actionValue(state.id, id),
    ...(n === 0 && { style: "primary" as const }),
    aloud: `Take the role ${plain(title)}`,
  }));
  const assign: Button = {
    label: "Assign or hand over…",
    verb: "role",
    detail: "assign",
    actionValue: actionValue(state.id),
  };
  return {
    text: [head, ...who].join(" "),
    blocks: [section([`👥 ${head}`, ...who].join("\n")), actions(...take, assign)],
  };
}
