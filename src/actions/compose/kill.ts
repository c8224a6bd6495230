import { z } from "zod";
import { defineAction } from "../contract.ts";
import { byHand, inverse, nothing, undoneBy } from "../undo.ts";
import { sayContainer } from "./container.ts";
import { openEngine } from "./engine.ts";
import { isStopped } from "./running.ts";
import {
  allDone,
  factsOf,
  lookAtServices,
  presentChecks,
  type Seen,
  servicesHeld,
  servicesInput,
  untilAll,
} from "./services.ts";

const input = servicesInput.extend({
  /** They are started again after this, whatever becomes of the run. */
  seconds: z.number().int().min(30).max(7200).default(1800),
  /** False for a database that another server replaces: as it was, it would come back as a second primary. A step of the runbook rebuilds it. */
  startAgain: z.boolean().default(true),
});
type Input = z.infer<typeof input>;

/** Docker takes a killed container for one that was stopped by hand: `restart: unless-stopped` leaves it (moby, daemon/kill.go). */
export const kill = defineAction<Input, Seen>({
  id: "compose.kill",
  summary: "Drill: kill services of a compose project as a power cut would, until they are started again",
  input,
  risk: "disruptive",
  service: "interrupts",
  repeat: "safe",
  breaks: { liftedBy: "compose.start", forSeconds: ({ seconds }) => seconds },
  budget: { typicalSeconds: 5, warnSeconds: 20, failSeconds: 60 },
  resources: servicesHeld,
  observe: lookAtServices,
  facts: factsOf,
  ready: presentChecks,
  done: (seen, given) => allDone(seen, given, isStopped),
  async apply(ctx, given, seen) {
    const engine = await openEngine(ctx, given.project);
    const due = (seen.answers ? seen.containers : []).filter((one) => !isStopped(one));
    for (const { id: container, name } of due) {
      ctx.progress(`${name}: kill`);
      // 409: it ended by itself meanwhile.
      await engine.send({ method: "POST", path: `/containers/${container}/kill?signal=KILL`, seconds: 20 }, [409]);
    }
    return { sent: due.map(({ name }) => name) };
  },
  async verify(ctx, given) {
    const containers = await untilAll(ctx, given, "down", isStopped);
    const says = `${containers.map(sayContainer).join("; ")}.`;
    return { says, facts: factsOf({ answers: true, containers }, given) };
  },
  undo: undoneBy((before, { project, services: named, startAgain }) => {
    if (!startAgain) return byHand(`${named.join(", ")}: rebuilt by the runbook, and not started as it was.`);
    const wereUp = before.answers
      ? before.containers.filter((one) => !isStopped(one)).map(({ service }) => service)
      : named;
    const services = named.filter((one) => wereUp.includes(one));
    if (services.length === 0) return nothing("It was down before.");
    return inverse("compose.start", { project, services }, `Start ${services.join(", ")} again`);
  }),
});
