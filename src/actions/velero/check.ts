import { z } from "zod";
import type { Check, Fact } from "../contract.ts";
import { answersFact, type Cluster, clusterChecks, type Look, lookAtCluster } from "../kubernetes-client.ts";
import { defineLook } from "../read.ts";
import { availableLocations, hoursSince, newestBackup, readRequests } from "./request.ts";
import { oneSource, type SourceView, sourceChecks, sourceShape } from "./source.ts";

const input = z.strictObject(sourceShape).refine(oneSource, { message: "needs either backup or schedule" });
type Input = z.infer<typeof input>;
type Seen = Look<SourceView>;

/** Whether there is a complete backup, young enough, in a place that can be reached. */
export const check = defineLook<Input, Seen>({
  id: "velero.check",
  summary: "Look whether a complete backup, young enough, can be restored from",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  observe: (ctx, given) => lookAtCluster(ctx, given.cluster, [], (cluster) => lookAtSource(cluster, given)),
  facts: factsOf,
  checks: checksOf,
  where: ({ cluster }) => cluster.context,
});

export async function lookAtSource(cluster: Cluster, given: Input): Promise<SourceView> {
  const [locations, backups] = await Promise.all([
    availableLocations(cluster, given.cluster),
    readRequests(cluster, given.cluster, "backups"),
  ]);
  return { locations, newest: newestBackup(backups, given), lookedAt: Date.now() };
}

function factsOf(seen: Seen, { cluster }: Input): readonly Fact[] {
  const newest = seen.answers ? seen.newest : null;
  const age = seen.answers ? hoursSince(newest?.completedAt ?? null, seen.lookedAt) : null;
  return [
    answersFact(seen, cluster),
    { id: "backup", label: "Backup", value: newest?.name ?? null, material: true },
    { id: "ageHours", label: "Age of the backup in hours", value: age, material: false },
  ];
}

function checksOf(seen: Seen, { cluster, maxAgeHours }: Input): readonly Check[] {
  return [...clusterChecks(seen, cluster), ...(seen.answers ? sourceChecks(seen, maxAgeHours) : [])];
}
