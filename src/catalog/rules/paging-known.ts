import { errorAt, warningAt } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Rule } from "./rule.ts";

export const pagingKnown: Rule = {
  id: "paging-known",
  says: "Each PagerDuty user is one person on the roster. Every role looked up there exists in the system.",
  *system({ system }) {
    if (system.paging === undefined) return;
    const roles = system.roles.map(({ id }) => id);
    const people = system.people.map(({ id }) => id);
    const mapped = new Map<string, string>();
    for (const { person, user } of system.paging.people) {
      const path = ["paging", "people", person];
      if (!people.includes(person))
        yield { ...errorAt(path, `There is no person "${person}"`, offer(person, people)), at: "key" };
      const other = mapped.get(user);
      if (other !== undefined) {
        const next = "One PagerDuty user must be one person";
        yield errorAt(path, `${user} is ${other} already`, { next });
      }
      mapped.set(user, other ?? person);
    }
    for (const { role } of system.paging.policies) {
      const path = ["paging", "policies", role];
      if (!roles.includes(role)) {
        yield { ...errorAt(path, `There is no role "${role}"`, offer(role, roles)), at: "key" };
        continue;
      }
      const known = system.people.filter(({ id }) => [...mapped.values()].includes(id));
      if (known.some((person) => person.roles.includes(role))) continue;
      yield warningAt(path, `No one with "${role}" is under paging.people, so on-call can't be matched to the roster`, {
        at: "key",
        next: "Add their PagerDuty user ids; until then the roster says who is asked",
      });
    }
  },
};
