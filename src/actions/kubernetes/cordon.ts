import { type Action, type ApplyContext, type Check, defineAction, type Evidence } from "../contract.ts";
import {
  type Cluster,
  type ClusterTarget,
  clusterChecks,
  type Look,
  lookAtCluster,
  openCluster,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import {
  type NodeInput,
  type NodeView,
  nodeFacts,
  nodeInput,
  nodePresent,
  nodeResource,
  readNode,
  readNodes,
} from "./node.ts";
import { kubernetesPermissions } from "./permissions.ts";

type Seen = Look<{ readonly node: NodeView | null; readonly others: number }>;

/** Keeps new pods away from a node. What runs there stays. */
export const cordon = scheduling({
  id: "kubernetes.cordon",
  summary: "Keep new pods away from a node",
  schedulable: false,
  undone: "kubernetes.uncordon",
});

/** Lets new pods onto a node again. */
export const uncordon = scheduling({
  id: "kubernetes.uncordon",
  summary: "Let new pods onto a node again",
  schedulable: true,
  undone: "kubernetes.cordon",
});

interface Side {
  readonly id: string;
  readonly summary: string;
  readonly schedulable: boolean;
  readonly undone: string;
}

function scheduling({ id, summary, schedulable, undone }: Side): Action<NodeInput, Seen> {
  return defineAction<NodeInput, Seen>({
    id,
    summary,
    input: nodeInput,
    risk: "reversible",
    service: "aside",
    repeat: "safe",
    budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
    resources: ({ cluster, node }) => [nodeResource(cluster, node)],
    observe: (ctx, given) =>
      lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.cordon"](given), async (cluster) => {
        const [node, all] = await Promise.all([readNode(cluster, given.node), readNodes(cluster)]);
        return { node, others: all.filter((one) => one.name !== given.node && one.ready && one.schedulable).length };
      }),
    facts: (seen, given) => nodeFacts(seen, given),
    ready: (seen, { cluster, node }) => [
      ...clusterChecks(seen, cluster),
      ...(seen.answers
        ? [nodePresent(seen.node, node), ...(schedulable ? [] : [roomElsewhere(seen.others, node)])]
        : []),
    ],
    done(seen) {
      if (!seen.answers) return "unknown";
      return seen.node?.schedulable === schedulable ? "yes" : "no";
    },
    async apply(ctx, { cluster: target, node }) {
      const cluster = await openCluster(ctx, target);
      await cluster.patch(`/api/v1/nodes/${node}`, "strategic-merge", {
        spec: { unschedulable: schedulable ? null : true },
      });
      return {};
    },
    verify: (ctx, { cluster, node }) => seenSo(ctx, cluster, node, schedulable),
    undo: undoneBy((before, { cluster, node }) =>
      before.answers && before.node?.schedulable === schedulable
        ? nothing(`${node} was so before.`)
        : inverse(undone, { cluster, node }, `${schedulable ? "Cordon" : "Uncordon"} ${node}`),
    ),
  });
}

function roomElsewhere(others: number, node: string): Check {
  const ok = others > 0;
  const says = ok ? `${others} other nodes take new pods.` : `No other node than ${node} takes new pods.`;
  return { id: "node.others", level: "block", ok, says };
}

async function seenSo(ctx: ApplyContext, target: ClusterTarget, name: string, schedulable: boolean): Promise<Evidence> {
  const what = schedulable ? `${name} to take new pods` : `${name} to take no new pods`;
  return await until({ what, seconds: 15, everyMilliseconds: 200, signal: ctx.signal }, async () => {
    const cluster: Cluster = await openCluster(ctx, target);
    const node = await readNode(cluster, name);
    if (node?.schedulable !== schedulable) return null;
    return {
      says: schedulable ? `${name} takes new pods.` : `${name} takes no new pods; what runs there stays.`,
      facts: [{ id: "schedulable", label: `${name} takes new pods`, value: schedulable, material: false }],
    };
  });
}
