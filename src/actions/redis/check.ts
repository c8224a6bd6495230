import { z } from "zod";
import { refuseBlocked } from "../blocked.ts";
import { defineAction } from "../contract.ts";
import { setInput } from "./node.ts";
import { checksOf, factsOf, lagOf } from "./readiness.ts";
import { lookAtSet, type SetView } from "./set.ts";

const input = z.strictObject({
  set: setInput,
  /** `planned` demands a master that answers and replicas that are online; `unplanned` says what it finds. */
  mode: z.enum(["planned", "unplanned"]).default("planned"),
});
type Input = z.infer<typeof input>;

/** Looks at a Sentinel set: who is master by whose word, quorum, replicas, lag, and who could take over. */
export const check = defineAction<Input, SetView>({
  id: "redis.check",
  summary: "Look at a Redis Sentinel set: master, quorum, replicas, and who could take over",
  input,
  risk: "read",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  resources: () => [],
  observe: (ctx, { set }) => lookAtSet(ctx, set),
  facts: factsOf,
  ready: (seen, { mode }) => checksOf(seen, mode),
  done: () => "no",
  async verify(ctx, { set, mode }) {
    const seen = await lookAtSet(ctx, set);
    refuseBlocked("redis.check", checksOf(seen, mode));
    const lag = lagOf(seen);
    return {
      says: `${seen.master ?? "Nobody"} is master of ${set.master}; its slowest replica is ${lag === null ? "not known" : `${lag} bytes behind`}.`,
      facts: factsOf(seen),
    };
  },
  undo: () => ({ possible: false, why: "Looking changes nothing, so there is nothing to undo." }),
});
