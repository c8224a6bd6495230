import type { z } from "zod";
import { type Done, defineAction } from "../contract.ts";
import { nothingToUndo } from "../undo.ts";
import { openEngine, placeOf } from "./engine.ts";
import {
  factsOf,
  lookAtServices,
  presentChecks,
  type Seen,
  servicesHeld,
  servicesInput,
  stableSeconds,
  stopSeconds,
  untilStable,
} from "./services.ts";

const input = servicesInput.extend({ stopSeconds, stableSeconds });
type Input = z.infer<typeof input>;

/** Restarts containers one after the other, and believes it when they are healthy and stay so. */
export const restart = defineAction<Input, Seen>({
  id: "compose.restart",
  summary: "Restart services of a compose project, and see that they stay up",
  input,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  repeat: "safe",
  budget: { typicalSeconds: 45, warnSeconds: 120, failSeconds: 900 },
  resources: servicesHeld,
  observe: lookAtServices,
  facts: factsOf,
  ready: presentChecks,
  done: doneOf,
  async apply(ctx, given, seen) {
    const engine = await openEngine(ctx, given.project);
    const containers = seen.answers ? seen.containers : [];
    for (const { id, name } of containers) {
      ctx.progress(`${name}: restarting`);
      const path = `/containers/${id}/restart?t=${given.stopSeconds}`;
      await engine.send({ method: "POST", path, seconds: given.stopSeconds + 20 });
    }
    return { restarted: containers.map(({ name }) => name) };
  },
  verify: (ctx, given, before) =>
    untilStable(ctx, given, given.stableSeconds, (one) => !before.answers || startedSince(before, one)),
  undo: nothingToUndo(({ project }) => `${placeOf(project)} runs what it ran before.`),
});

/** A container that was told to stop and has not started again is on its way: no one may send a second restart then. */
function doneOf(seen: Seen, _given: Input, before: Seen | null): Done {
  if (!seen.answers) return "unknown";
  if (!before?.answers) return "no";
  const moved = seen.containers.filter((one) => startedSince(before, one));
  const underWay = seen.containers.some((one) => {
    const old = before.containers.find(({ id }) => id === one.id);
    return old && old.startedAt === one.startedAt && (one.toldToStop ?? 0) > (old.toldToStop ?? 0);
  });
  if (underWay) return "unknown";
  if (moved.length === seen.containers.length) return "yes";
  return moved.length === 0 ? "no" : "partial";
}

function startedSince(before: Seen, one: { id: string; startedAt: string }): boolean {
  const old = before.answers ? before.containers.find(({ id }) => id === one.id) : undefined;
  return old?.startedAt !== one.startedAt;
}
