import { errorAt } from "../fault.ts";
import { practiceAccounts } from "../practice-accounts.ts";
import type { Rule } from "./rule.ts";

export const practicePeople: Rule = {
  id: "practice-people",
  says: "The people of the practice workspace decide nothing outside it.",
  *system({ system }) {
    if (system.environment !== "production") return;
    for (const { id, name, slack } of system.people) {
      for (const [k, user] of slack.entries()) {
        if (!practiceAccounts.includes(user)) continue;
        const what = `${user} is ${name} of the practice workspace, and this system is for production`;
        yield errorAt(["people", id, "slack", k], what, { next: "Put a person of yours into this seat" });
      }
    }
  },
};
