import { z } from "zod";
import { defineLook } from "../read.ts";
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
export const check = defineLook<Input, SetView>({
  id: "redis.check",
  summary: "Look at a Redis Sentinel set: master, quorum, replicas, and who could take over",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  observe: (ctx, { set }) => lookAtSet(ctx, set),
  facts: factsOf,
  checks: (seen, { mode }) => checksOf(seen, mode),
  where: ({ set }) => set.master,
  says(seen, { set }) {
    const lag = lagOf(seen);
    const behind = lag === null ? "not known" : `${lag} bytes behind`;
    return `${seen.master ?? "Nobody"} is master of ${set.master}; its slowest replica is ${behind}.`;
  },
});
