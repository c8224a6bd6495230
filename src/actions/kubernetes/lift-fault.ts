import { z } from "zod";
import { type ApplyContext, defineAction } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  clusterInput,
  type Look,
  lookAtCluster,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { nothingToUndo } from "../undo.ts";
import { markedNodes, unmark } from "./fail-zone.ts";
import {
  faultName,
  faultResource,
  jobsPath,
  type Kept,
  objectOf,
  policiesPath,
  readKept,
  removeKept,
  zoneResource,
} from "./fault.ts";
import { kubernetesPermissions } from "./permissions.ts";

const input = z.strictObject({
  cluster: clusterInput,
  fault: faultName,
  kind: z.enum(["zone", "partition", "load"]),
});
type Input = z.infer<typeof input>;

interface Left {
  readonly policy: Kept | null;
  readonly job: Kept | null;
  readonly nodes: readonly string[];
}
type Seen = Look<Left>;

/** Ends what a drill broke, by its name and mark, and touches nothing else. */
export const liftFault = defineAction<Input, Seen>({
  id: "kubernetes.lift_fault",
  summary: "Drill: lift a zone failure, a partition or a load, by its name",
  input,
  risk: "reversible",
  service: "restores",
  repeat: "safe",
  budget: { typicalSeconds: 5, warnSeconds: 30, failSeconds: 120 },
  resources: ({ cluster, kind }) => [kind === "zone" ? zoneResource(cluster) : faultResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.lift_fault"](given), (cluster) =>
      look(cluster, given),
    ),
  facts: (seen, { cluster, fault }) => [
    answersFact(seen, cluster),
    { id: "lifted", label: `${fault} is lifted`, value: seen.answers ? isLifted(seen) : null, material: false },
  ],
  ready: (seen, { cluster }) => clusterChecks(seen, cluster),
  done(seen) {
    if (!seen.answers) return "unknown";
    return isLifted(seen) ? "yes" : "no";
  },
  async apply(ctx, given, seen) {
    const { cluster: target, fault } = given;
    const cluster = await openCluster(ctx, target);
    const left = seen.answers ? seen : { policy: null, job: null, nodes: [] };
    await removeKept(cluster, `${policiesPath(target)}/${objectOf(fault)}`, left.policy);
    await removeKept(cluster, `${jobsPath(target)}/${objectOf(fault)}`, left.job);
    for (const node of left.nodes) await free(ctx, cluster, node, fault);
    return {};
  },
  async verify(ctx, given) {
    const { fault } = given;
    const poll = { seconds: ctx.budget.failSeconds / 2, everyMilliseconds: 250, signal: ctx.signal };
    return await until({ what: `${fault} to be lifted`, ...poll }, async () => {
      if (!isLifted(await look(await openCluster(ctx, given.cluster), given))) return null;
      return {
        says: `${fault} is lifted: nothing of it is left in the cluster.`,
        facts: [{ id: "lifted", label: `${fault} is lifted`, value: true, material: false }],
      };
    });
  },
  undo: nothingToUndo(({ fault }) => `It ends what the drill began as ${fault}.`),
});

async function look(cluster: Cluster, { cluster: target, fault, kind }: Input): Promise<Left> {
  const [policy, job, nodes] = await Promise.all([
    kind === "partition" ? readKept(cluster, `${policiesPath(target)}/${objectOf(fault)}`) : null,
    kind === "zone" ? null : readKept(cluster, `${jobsPath(target)}/${objectOf(fault)}`),
    kind === "zone" ? markedNodes(cluster, fault) : [],
  ]);
  return { policy, job, nodes };
}

function isLifted({ policy, job, nodes }: Left): boolean {
  return policy === null && job === null && nodes.length === 0;
}

/** 404: the node is gone. 422: another has lifted it, or marked it anew. */
async function free(ctx: ApplyContext, cluster: Cluster, node: string, fault: string): Promise<void> {
  ctx.progress(`${node}: takes pods again`);
  await cluster.patch(`/api/v1/nodes/${node}`, "json", unmark(fault)).catch((error) => {
    const status = statusOf(error);
    if (status !== 404 && status !== 422) throw error;
  });
}
