import { z } from "zod";
import { after, awaited } from "../awaited.ts";
import { refuseBlocked } from "../blocked.ts";
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
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 20 },
  resources: () => [],
  observe: (ctx, { cluster }) => lookAtCluster(ctx, cluster),
  facts: (seen, { candidate }) => factsOf(seen, candidate ?? null),
  ready: (seen, given, evidence) => awaited(checksOf(seen, given), given.after, evidence),
  done: () => "no",
  async verify(ctx, given) {
    const seen = await lookAtCluster(ctx, given.cluster);
    refuseBlocked("patroni.check", checksOf(seen, given));
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
