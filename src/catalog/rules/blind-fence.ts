import { errorAt } from "../fault.ts";
import type { ActionCard } from "../types.ts";
import { actionsOf, isBefore } from "../walk.ts";
import type { Rule } from "./rule.ts";

type Placed = ReturnType<typeof actionsOf>[number];

export const blindFence: Rule = {
  id: "blind-fence",
  says: "Before a fence, the server that takes over is checked. After it, that server takes over or the fence is lifted.",
  *runbook({ runbook, cards }) {
    if (cards === null) return;
    const told = new Set<string>();
    for (const mode of runbook.modes) {
      const all = actionsOf(runbook, mode);
      for (const fence of all.filter((one) => isFence(one, cards))) {
        const { step, path, does } = fence;
        if (told.has(step.id)) continue;
        const servers = serversIn(does.with);
        const before = all.filter((other) => isBefore(other, fence));
        const name = servers[0] ?? "a server";
        if (!namesPeer(fence) && !before.some((other) => looksElsewhere(other, servers, cards))) {
          told.add(step.id);
          const what = `Step "${step.id}" fences ${name}, and no step before it looks at the server that takes over (${mode})`;
          yield errorAt([...path, "action"], what, {
            allowed: `An earlier, unconditional check of that server and of ${name}, or that server as "peer" of the fence`,
            next: "Start with postgres.check, or postgres.check_takeover where the other server must already be primary: on a healthy day the run then stops before any change",
          });
        } else if (!all.some((other) => isBefore(fence, other) && cards.get(other.does.action)?.endsFence)) {
          told.add(step.id);
          const what = `Step "${step.id}" fences ${name}, and no step after it promotes, rejoins or unfences a server (${mode})`;
          yield errorAt([...path, "action"], what, {
            allowed: "A promotion, a rejoin, a switch to another server or postgres.unfence, in a later place",
            next: "Add the step the fence is for, or remove the fence: now writes stop and stay stopped",
          });
        }
      }
    }
  },
};

function isFence({ does }: Placed, cards: ReadonlyMap<string, ActionCard>): boolean {
  return cards.get(does.action)?.fences?.(does.with) === true;
}

/** The fence looks at that server itself, in the preflight and right before. */
function namesPeer({ does }: Placed): boolean {
  return (does.with as { peer?: unknown } | null)?.peer != null;
}

/** It only looks, always, and at some server beside the fenced one. */
function looksElsewhere(
  { step, does }: Placed,
  fenced: readonly string[],
  cards: ReadonlyMap<string, ActionCard>,
): boolean {
  const looks = step.when === null && cards.get(does.action)?.risk === "read";
  return looks && serversIn(does.with).some((one) => !fenced.includes(one));
}

/** How servers are named in an action's input, wherever they stand in it: by a field, or as a whole member of a target. */
function serversIn(input: unknown, key = ""): readonly string[] {
  if (typeof input === "string") return SERVER.has(key) || MEMBER.test(input) ? [input] : [];
  if (input === null || typeof input !== "object") return [];
  return Object.entries(input).flatMap(([name, value]) => serversIn(value, name));
}
const SERVER = new Set(["host", "instance", "replica", "name"]);
const MEMBER = /^\$\{[^{}.]+\.(active|standby|detached|from|to|at\.[^{}.]+)\}$/;
