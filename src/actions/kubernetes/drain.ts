import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type ApplyContext, type Check, defineAction } from "../contract.ts";
import {
  ApiRefusal,
  type Cluster,
  clusterChecks,
  clusterInput,
  dnsName,
  type Look,
  lookAtCluster,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { always, nothing } from "../undo.ts";
import { type NodeView, nodeFacts, nodePresent, nodeResource, readNode } from "./node.ts";
import { kubernetesPermissions } from "./permissions.ts";

const input = z.strictObject({
  cluster: clusterInput,
  node: dnsName,
  /** Pods no one would start again: they are gone after a drain. */
  evictBarePods: z.boolean().default(false),
  /** Pods with an emptyDir lose what is in it. */
  deleteEmptyDirData: z.boolean().default(false),
  /** How long to wait before asking again where a disruption budget says no. */
  retrySeconds: z.number().min(0.05).max(60).default(5),
});
type Input = z.infer<typeof input>;

export interface PodView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly bare: boolean;
  readonly emptyDir: boolean;
  /** It was deleted, and ends within its grace period: there is nothing left to ask. */
  readonly ending: boolean;
}
type Seen = Look<{ readonly node: NodeView | null; readonly pods: readonly PodView[] }>;

/**
 * Evicts what runs on a cordoned node, each pod by its uid, so that a pod of the same name elsewhere is never meant.
 * A disruption budget's no (429) is not a failure: it is asked again until the budget of this step is used up.
 */
export const drain = defineAction<Input, Seen>({
  id: "kubernetes.drain",
  summary: "Move every pod off a cordoned node, as fast as disruption budgets allow",
  input,
  risk: "disruptive",
  service: "interrupts",
  repeat: "safe",
  budget: { typicalSeconds: 60, warnSeconds: 300, failSeconds: 900 },
  resources: ({ cluster, node }) => [nodeResource(cluster, node)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.drain"](given), async (cluster) => {
      const [node, pods] = await Promise.all([readNode(cluster, given.node), podsOn(cluster, given.node)]);
      return { node, pods };
    }),
  facts: (seen, given) => [
    ...nodeFacts(seen, given),
    {
      id: "pods",
      label: `Pods to move off ${given.node}`,
      value: seen.answers ? seen.pods.length : null,
      material: false,
    },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers
      ? [nodePresent(seen.node, given.node), cordoned(seen.node, given), bare(seen.pods, given), data(seen.pods, given)]
      : []),
  ],
  done(seen) {
    if (!seen.answers) return "unknown";
    return seen.node?.schedulable === false && seen.pods.length === 0 ? "yes" : "no";
  },
  async apply(ctx, given, seen) {
    const cluster = await openCluster(ctx, given.cluster);
    const pods = seen.answers ? seen.pods.filter(({ ending }) => !ending) : [];
    await Promise.all(pods.map((pod) => evict(ctx, cluster, pod, given.retrySeconds)));
    return { evicted: pods.map(({ name }) => name) };
  },
  async verify(ctx, { cluster: target, node }) {
    let left = 0;
    return await until(
      {
        what: `${node} to be empty`,
        seconds: ctx.budget.failSeconds / 2,
        everyMilliseconds: 250,
        signal: ctx.signal,
        stateNow: () => `${left} pods are still on ${node}`,
      },
      async () => {
        const pods = await podsOn(await openCluster(ctx, target), node);
        left = pods.length;
        if (left > 0) return null;
        return {
          says: `${node} is drained: nothing runs there but what belongs to the node.`,
          facts: [{ id: "pods", label: `Pods on ${node}`, value: 0, material: false }],
        };
      },
    );
  },
  undo: always(({ node, evictBarePods, deleteEmptyDirData }) =>
    evictBarePods || deleteEmptyDirData
      ? { kind: "never", says: `Pods of ${node} that no controller starts again, or their emptyDir data, are gone.` }
      : nothing(`Its pods were started elsewhere; they may come back when ${node} takes pods again.`),
  ),
});

interface ApiPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly controller?: boolean }[];
  };
  readonly spec?: { readonly volumes?: readonly { readonly emptyDir?: unknown }[] };
  readonly status?: { readonly phase?: string };
}

/** Without what belongs to the node (DaemonSets, mirror pods) and what has ended. */
export async function podsOn(cluster: Cluster, node: string): Promise<readonly PodView[]> {
  const pods = await cluster.list<ApiPod>("/api/v1/pods", { fieldSelector: `spec.nodeName=${node}` });
  return pods
    .filter(({ metadata, status }) => {
      const ofNode = metadata.ownerReferences?.some(({ kind }) => kind === "DaemonSet" || kind === "Node") ?? false;
      const mirror = metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined;
      return !ofNode && !mirror && status?.phase !== "Succeeded" && status?.phase !== "Failed";
    })
    .map(({ metadata, spec }) => ({
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      bare: !metadata.ownerReferences?.some(({ controller }) => controller === true),
      emptyDir: spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) ?? false,
      ending: metadata.deletionTimestamp !== undefined,
    }));
}

/** Asks again while a disruption budget says no. */
export async function evict(ctx: ApplyContext, cluster: Cluster, pod: PodView, retrySeconds: number): Promise<void> {
  const { namespace, name, uid } = pod;
  const body = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace },
    deleteOptions: { preconditions: { uid } },
  };
  for (;;) {
    try {
      await cluster.create(`/api/v1/namespaces/${namespace}/pods/${name}/eviction`, body);
      return;
    } catch (error) {
      const status = statusOf(error);
      // 404: gone. 409: another pod has the name by now.
      if (status === 404 || status === 409) return;
      if (!isBudget(error)) throw error;
      ctx.progress(`A disruption budget keeps ${namespace}/${name}; asking again in ${retrySeconds} s`);
      await sleep(retrySeconds * 1000, undefined, { signal: ctx.signal });
    }
  }
}

function isBudget(error: unknown): boolean {
  return error instanceof ApiRefusal && error.status === 429 && error.causes.includes("DisruptionBudget");
}

function cordoned(node: NodeView | null, { cluster, node: name }: Input): Check {
  const ok = node?.schedulable === false;
  const says = ok ? `${name} takes no new pods.` : `${name} still takes new pods.`;
  const madeSoBy = { resources: [nodeResource(cluster, name)] };
  return { id: "evidence.cordoned", level: "block", ok, says, next: "Cordon it first.", madeSoBy };
}

function bare(pods: readonly PodView[], { evictBarePods }: Input): Check {
  const names = pods.filter((pod) => pod.bare).map(({ namespace, name }) => `${namespace}/${name}`);
  const ok = names.length === 0 || evictBarePods;
  const says = ok
    ? "What is evicted is started again elsewhere, or may go."
    : `No controller would start ${names.join(", ")} again.`;
  return { id: "pods.owned", level: "block", ok, says };
}

function data(pods: readonly PodView[], { deleteEmptyDirData }: Input): Check {
  const names = pods.filter((pod) => pod.emptyDir).map(({ namespace, name }) => `${namespace}/${name}`);
  const ok = names.length === 0 || deleteEmptyDirData;
  const says = ok ? "No data that may not go is on the node." : `${names.join(", ")} would lose an emptyDir.`;
  return { id: "pods.data", level: "block", ok, says };
}
