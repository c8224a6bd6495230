import { errorAt, warningAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const peopleReachable: Rule = {
  id: "people-reachable",
  says: "Every person has a Slack id, and no Slack id belongs to two people.",
  *system({ system }) {
    const owner = new Map<string, string>();
    for (const { id, name, slack } of system.people) {
      if (slack.length === 0) {
        const next = "In Slack: their profile, the three dots, Copy member ID";
        yield warningAt(["people", id], `${name} has no Slack id and can't be asked there`, { at: "key", next });
      }
      for (const [k, user] of slack.entries()) {
        const other = owner.get(user);
        if (other !== undefined) {
          const next = "One account is one person: approvals are counted by people";
          yield errorAt(["people", id, "slack", k], `${user} belongs to ${other} already`, { next });
        }
        owner.set(user, other ?? name);
      }
    }
  },
};
