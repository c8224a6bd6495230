import { z } from "zod";
import { after, awaited } from "../awaited.ts";
import { refuseBlocked } from "../blocked.ts";
import type { Check } from "../contract.ts";
import { defineRead } from "../read.ts";
import { isUp, sayContainer } from "./container.ts";
import { placeOf } from "./engine.ts";
import {
  factsOf,
  lookAtServices,
  presentChecks,
  type Seen,
  servicesInput,
  stableSeconds,
  untilStable,
} from "./services.ts";

const input = servicesInput.extend({
  stableSeconds,
  /** False where looking is all: services that are down are then a fact and not a failure. */
  up: z.boolean().default(true),
  after,
});
type Input = z.infer<typeof input>;

/** Whether the services of a project run, are healthy and stay so. */
export const check = defineRead<Input, Seen>({
  id: "compose.check",
  summary: "Look whether services of a compose project run, are healthy and stay so",
  input,
  budget: { typicalSeconds: 31, warnSeconds: 60, failSeconds: 700 },
  observe: lookAtServices,
  facts: factsOf,
  ready: (seen, given, evidences) => awaited(checksOf(seen, given), given.after, evidences),
  async verify(ctx, given) {
    const seen = await lookAtServices(ctx, given);
    refuseBlocked(placeOf(given.project), checksOf(seen, given));
    if (given.up) return await untilStable(ctx, given, given.stableSeconds);
    return {
      says: `${seen.answers ? seen.containers.map(sayContainer).join("; ") : ""}.`,
      facts: factsOf(seen, given),
    };
  },
});

function checksOf(seen: Seen, given: Input): readonly Check[] {
  const present = presentChecks(seen, given);
  if (!seen.answers || !given.up) return present;
  const down = seen.containers.filter((one) => !isUp(one));
  const says = down.length === 0 ? "Every container is up." : `${down.map(sayContainer).join("; ")}.`;
  return [...present, { id: "services.up", level: "block", ok: down.length === 0, says }];
}
