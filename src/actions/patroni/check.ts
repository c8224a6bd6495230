import { z } from "zod";
import { after, awaited } from "../awaited.ts";
import { lookUntilFree } from "../blocked.ts";
import { type Check, defineAction } from "../contract.ts";
import { clusterInput } from "./client.ts";
import { candidateStreams, everyApi, factsOf, ledBySomeone, nothingScheduled, notPaused } from "./readiness.ts";
import { type ClusterView, lookAtCluster, sayMembers } from "./view.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** `planned` demands a leader and a candidate that streams; `unplanned` says what it finds. */
  mode: z.enum(["planned", "unplanned"]).default("planned"),
  candidate: z.string().min(1).optional(),
  maxLagBytes: z.number().int().min(0).default(0),
  /** How long it may take until it is so: members need a moment to follow a new leader. */
  waitSeconds: z.number().min(0).max(300).default(0),
  after,
});
type Input = z.infer<typeof input>;

/** Looks at a Patroni cluster: who leads by whose word, who streams by the leader's, and what is under way. */
export const check = defineAction<Input, ClusterView>({
  id: "patroni.check",
  summary: "Look at a Patroni cluster: leader, members, and replication by the leader's own account",
  input,
  risk: "read",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 330 },
  resources: () => [],
  observe: (ctx, { cluster }) => lookAtCluster(ctx, cluster),
  facts: (seen, { candidate }) => factsOf(seen, candidate ?? null),
  ready: (seen, given, evidence) => awaited(checksOf(seen, given), given.after, evidence, given.waitSeconds > 0),
  done: () => "no",
  async verify(ctx, given) {
    const look = () => lookAtCluster(ctx, given.cluster);
    const seen = await lookUntilFree(ctx, given.cluster.name, given.waitSeconds, look, (now) => checksOf(now, given));
    return {
      says: `${seen.leader ?? "Nobody"} leads: ${sayMembers(seen)}.`,
      facts: factsOf(seen, given.candidate ?? null),
    };
  },
  undo: () => ({ possible: false, why: "Looking changes nothing, so there is nothing to undo." }),
});

function checksOf(seen: ClusterView, { mode, candidate, maxLagBytes }: Input): Check[] {
  const checks = [
    ledBySomeone(seen),
    notPaused(seen),
    nothingScheduled(seen),
    ...(candidate === undefined ? [] : [candidateStreams(seen, candidate, maxLagBytes)]),
  ];
  return [everyApi(seen), ...(mode === "planned" ? checks : checks.map((one) => ({ ...one, level: "warn" as const })))];
}
