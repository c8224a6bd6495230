import { errorAt, warningAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const breakGlassQuorum: Rule = {
  id: "break-glass-quorum",
  says: "Break-glass can be used: at least one person may, and two where a second has to confirm it.",
  *system({ system }) {
    const { breakGlass, people } = system;
    if (!breakGlass) return;
    const known = breakGlass.roles.filter((role) => system.roles.some(({ id }) => id === role));
    const may = people.filter(({ roles }) => roles.some((role) => known.includes(role)));
    if (may.length === 0 && known.length > 0)
      yield errorAt(["breakGlass", "roles"], "No one on the roster holds one of these roles", {
        next: "Give one of them to a person, or name another role",
      });
    if (may.length === 1 && breakGlass.secondPerson)
      yield warningAt(["breakGlass", "roles"], `Only ${may[0]?.name} holds one of these roles`, {
        next: "Anyone who may decide a gate can confirm; without a confirmation it goes on alone",
      });
  },
};
