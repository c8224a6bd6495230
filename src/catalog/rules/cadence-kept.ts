import { warningAt } from "../fault.ts";
import type { Cadence } from "../types.ts";
import type { Rule } from "./rule.ts";

type Promised = "firstNoticeSeconds" | "updatesSeconds" | "resolutionSeconds" | "postmortemSeconds";
const keys: readonly (readonly [Promised, string])[] = [
  ["firstNoticeSeconds", "firstNotice"],
  ["updatesSeconds", "updates"],
  ["resolutionSeconds", "resolution"],
  ["postmortemSeconds", "postmortem"],
];

export const cadenceKept: Rule = {
  id: "cadence-kept",
  says: "Promised updates can be kept: someone can be comms lead, and a worse severity never updates later than a lesser one.",
  *system({ system }) {
    const { cadence = [], people, roles } = system;
    if (cadence.length === 0) return;
    const lead = roles.find(({ id }) => id === "comms-lead");
    if (lead === undefined || people.every((person) => !person.roles.includes("comms-lead"))) {
      const what = lead ? "No one on the roster can be comms lead" : "There is no role comms-lead";
      yield warningAt(["cadence"], `${what}, so no one is reminded of this`, { at: "key" });
    }
    const order = [...cadence].sort((a, b) => a.severity.localeCompare(b.severity));
    for (const [index, worse] of order.entries()) {
      for (const [seconds, key] of keys) {
        const lesser = order.slice(index + 1).find((one) => sooner(one, worse, seconds));
        if (lesser === undefined) continue;
        const what = `${worse.severity} is worse than ${lesser.severity}, and people are told later`;
        yield warningAt(["cadence", worse.severity, key], what, { next: `${lesser.severity} says it sooner` });
      }
    }
  },
};

function sooner(one: Cadence, other: Cadence, key: Promised): boolean {
  const [a, b] = [one[key], other[key]];
  return a !== null && b !== null && a < b;
}
