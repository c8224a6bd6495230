import { errorAt, warningAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const commsKnown: Rule = {
  id: "comms-known",
  says: "What the status page names is a component of the system, and what customers are told stays outside.",
  *system({ system }) {
    const { comms, components } = system;
    if (comms === undefined) return;
    const known = components.map(({ id }) => id);
    for (const { component } of comms.statuspage?.components ?? []) {
      if (known.includes(component)) continue;
      const path = ["comms", "statuspage", "components", component];
      const what = `${system.title} has no component ${component}`;
      yield errorAt(path, what, { at: "key", allowed: `It has ${known.join(", ") || "none"}` });
    }
    for (const { audience, email, slack, page } of comms.routes) {
      if (email.length === 0 && slack.length === 0 && !page && audience !== "status-page") {
        yield warningAt(["comms", "audiences", audience], `Nothing says how ${audience} are reached`, { at: "key" });
      }
    }
  },
};
