import type { z } from "zod";
import { type Action, defineAction } from "../contract.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { type ContainerView, sayContainer } from "./container.ts";
import { openEngine } from "./engine.ts";
import {
  allDone,
  factsOf,
  lookAtServices,
  presentChecks,
  type Seen,
  servicesHeld,
  servicesInput,
  stopSeconds,
  untilAll,
} from "./services.ts";

const input = servicesInput.extend({ stopSeconds });
type Input = z.infer<typeof input>;

interface Side {
  readonly id: "compose.start" | "compose.stop";
  readonly summary: string;
  readonly word: "start" | "stop";
  readonly undone: string;
  /** Whether nothing has to be sent. */
  readonly isSo: (one: ContainerView) => boolean;
  /** Whether the world shows it. */
  readonly shows: (one: ContainerView) => boolean;
}

/** Containers in the order in which their services are named. One that is so already is left alone (304). */
export function running({ id, summary, word, undone, isSo, shows }: Side): Action<Input, Seen> {
  return defineAction<Input, Seen>({
    id,
    summary,
    input,
    risk: word === "stop" ? "disruptive" : "reversible",
    service: word === "stop" ? "interrupts" : "restores",
    ...(word === "start" && { opens: () => true }),
    repeat: "safe",
    budget: { typicalSeconds: 15, warnSeconds: 60, failSeconds: 900 },
    resources: servicesHeld,
    observe: lookAtServices,
    facts: factsOf,
    ready: presentChecks,
    done: (seen, given) => allDone(seen, given, isSo),
    async apply(ctx, given, seen) {
      const engine = await openEngine(ctx, given.project);
      const due = (seen.answers ? seen.containers : []).filter((one) => !isSo(one));
      for (const { id: container, name } of due) {
        ctx.progress(`${name}: ${word}`);
        const path = `/containers/${container}/${word}${word === "stop" ? `?t=${given.stopSeconds}` : ""}`;
        await engine.send({ method: "POST", path, seconds: given.stopSeconds + 20 }, [304]);
      }
      return { sent: due.map(({ name }) => name) };
    },
    async verify(ctx, given) {
      const containers = await untilAll(ctx, given, word === "stop" ? "stopped" : "up and healthy", shows);
      return {
        says: `${containers.map(sayContainer).join("; ")}.`,
        facts: factsOf({ answers: true, containers }, given),
      };
    },
    undo: undoneBy((before, { stopSeconds: _within, ...given }) => {
      const moved = before.answers
        ? before.containers.filter((one) => !isSo(one)).map(({ service }) => service)
        : given.services;
      const services = given.services.filter((one) => moved.includes(one)).toReversed();
      if (services.length === 0) return nothing("It was so before.");
      const says = `${word === "stop" ? "Start" : "Stop"} ${services.join(", ")} again`;
      return inverse(undone, { ...given, services }, says);
    }),
  });
}

export const isStopped = ({ state }: ContainerView): boolean => ["exited", "created", "dead"].includes(state);
export const isStarted = ({ state }: ContainerView): boolean => state === "running";
