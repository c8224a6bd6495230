import { z } from "zod";
import { clusterChecks, clusterInput, type Look, lookAtCluster } from "../kubernetes-client.ts";
import { defineLook } from "../read.ts";
import { ignored, unlistedChecks } from "../unlisted.ts";
import { selectWorkloads, workloadInput } from "./workload.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** What runbooks name. */
  known: z.array(workloadInput).max(1000).default([]),
  /** Label selectors that runbooks use. */
  selectors: z.array(z.string().min(1)).max(50).default([]),
  ignore: ignored,
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  /** `deployment/api`: all of the namespace. */
  readonly workloads: readonly string[];
  /** Those that a selector finds. */
  readonly selected: readonly string[];
}>;

/** What runs in the namespace and no runbook names: a move would leave it behind. */
export const unlisted = defineLook<Input, Seen>({
  id: "kubernetes.unlisted",
  summary: "See which workloads of a namespace are in no runbook",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  goesWithout: () => "all",
  observe: (ctx, { cluster: target, selectors }) =>
    lookAtCluster(ctx, target, [], async (cluster) => {
      const refs = async (selector: string) => (await selectWorkloads(cluster, target, selector)).map(({ ref }) => ref);
      const [workloads, ...selected] = await Promise.all([refs(""), ...selectors.map(refs)]);
      return { workloads: workloads ?? [], selected: selected.flat() };
    }),
  facts: () => [],
  checks(seen, { known, cluster, ignore }) {
    if (seen.answers)
      return unlistedChecks(seen.workloads, {
        ...{ known: new Set([...known, ...seen.selected]), ignore, where: cluster.context },
      });
    // Where no one can look nothing is known, and nothing said; another cluster is never taken for one that is silent.
    return seen.kind === "other" ? clusterChecks(seen, cluster) : [];
  },
  where: ({ cluster }) => cluster.context,
});
