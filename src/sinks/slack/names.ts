import { ERASED, isErased, safe } from "../../../templates/messages/kit/escape.ts";
import type { System } from "../../catalog/types.ts";

/** The one who was recorded, as Slack shows people: a mention where there is an account, else the escaped name. */
export function namesIn(systems: readonly System[]): (who: string) => string {
  return (who) => {
    if (isErased(who)) return ERASED;
    if (isSlackUser(who)) return `<@${who}>`;
    const person = systems.flatMap((system) => system.people).find(({ id }) => id === who);
    const account = person?.slack.find(isSlackUser);
    return account === undefined ? safe(person?.name ?? who) : `<@${account}>`;
  };
}

export function isSlackUser(id: string): boolean {
  return /^[UW][A-Z0-9]+$/.test(id);
}

export function isSlackChannel(id: string): boolean {
  return /^[CGD][A-Z0-9]+$/.test(id);
}
