import { z } from "zod";
import { after } from "../awaited.ts";
import type { Check } from "../contract.ts";
import { defineLook } from "../read.ts";
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

/** Looks at a Patroni cluster: who leads by whose word, who streams by the leader's, and what is in progress. */
export const check = defineLook<Input, ClusterView>({
  id: "patroni.check",
  summary: "Look at a Patroni cluster: leader, members, and replication by the leader's own account",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 330 },
  observe: (ctx, { cluster }) => lookAtCluster(ctx, cluster),
  facts: (seen, { candidate }) => factsOf(seen, candidate ?? null),
  checks: checksOf,
  where: ({ cluster }) => cluster.name,
  says: (seen) => `${seen.leader ?? "Nobody"} leads: ${sayMembers(seen)}.`,
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
