import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, defineAction } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  type JsonOp,
  type Look,
  lookAtCluster,
  openCluster,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { inverse, undoneBy } from "../undo.ts";
import { evict, type PodView, podsOn } from "./drain.ts";
import { FAULT, faultInput, ZONE, zoneResource } from "./fault.ts";
import { kubernetesPermissions } from "./permissions.ts";

const input = faultInput.extend({
  /** Value of the nodes' label `topology.kubernetes.io/zone`. */
  zone: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/),
  /** How long to wait before asking again where a disruption budget says no. */
  retrySeconds: z.number().min(0.05).max(60).default(5),
});
type Input = z.infer<typeof input>;

interface ZoneNode {
  readonly name: string;
  readonly schedulable: boolean;
  readonly marked: boolean;
}

type Seen = Look<{
  readonly nodes: readonly ZoneNode[];
  /** Ready nodes of other zones that take pods. */
  readonly others: number;
  readonly pods: readonly PodView[];
}>;

/**
 * A zone without its nodes: they take no pods, and what runs there is evicted as disruption budgets allow. What was cordoned before is left
 * unmarked, and so stays cordoned when it is lifted. A cordon has no end of its own in Kubernetes: the bot lifts it (`engine/fault-lifter.ts`).
 */
export const failZone = defineAction<Input, Seen>({
  id: "kubernetes.fail_zone",
  summary: "Drill: take every node of a zone out of use, and evict what runs there",
  input,
  risk: "disruptive",
  service: "interrupts",
  repeat: "safe",
  breaks: { liftedBy: "kubernetes.lift_fault", forSeconds: ({ seconds }) => seconds },
  budget: { typicalSeconds: 60, warnSeconds: 300, failSeconds: 900 },
  resources: ({ cluster }) => [zoneResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.fail_zone"](given), (cluster) =>
      look(cluster, given),
    ),
  facts: (seen, { cluster, zone }) => [
    answersFact(seen, cluster),
    { id: "nodes", label: `Nodes in ${zone}`, value: seen.answers ? seen.nodes.length : null, material: true },
    { id: "pods", label: `Pods in ${zone}`, value: seen.answers ? seen.pods.length : null, material: false },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [present(seen.nodes, given), roomElsewhere(seen.others, given), owned(seen.pods)] : []),
  ],
  done(seen) {
    if (!seen.answers) return "unknown";
    return isOut(seen) ? "yes" : "no";
  },
  async apply(ctx, given, seen) {
    const cluster = await openCluster(ctx, given.cluster);
    const nodes = (seen.answers ? seen.nodes : []).filter(({ schedulable }) => schedulable);
    for (const { name } of nodes) {
      ctx.progress(`${name}: takes no new pods`);
      await cluster.patch(`/api/v1/nodes/${name}`, "strategic-merge", {
        metadata: { labels: { [FAULT]: given.fault } },
        spec: { unschedulable: true },
      });
    }
    // Evicted before that, a pod would be started there again.
    const marked = await look(cluster, given);
    if (marked.nodes.some(({ schedulable }) => schedulable))
      throw new LifeboatError({
        code: "zone-open",
        where: given.zone,
        what: "Nodes of the zone still take new pods",
        stateNow: "Nothing was evicted",
      });
    const pods = marked.pods.filter(({ ending }) => !ending);
    await Promise.all(pods.map((pod) => evict(ctx, cluster, pod, given.retrySeconds)));
    return { nodes: nodes.map(({ name }) => name), evicted: pods.length };
  },
  async verify(ctx, given) {
    let left = 0;
    return await until(
      {
        what: `${given.zone} to be empty`,
        seconds: ctx.budget.failSeconds / 2,
        everyMilliseconds: 500,
        signal: ctx.signal,
        stateNow: () => `${left} pods are still in ${given.zone}`,
      },
      async () => {
        const seen = await look(await openCluster(ctx, given.cluster), given);
        left = seen.pods.length;
        if (!isOut(seen)) return null;
        return {
          says: `${given.zone} is out of use: its nodes take no pods, and nothing of the cluster's runs there.`,
          facts: [{ id: FAULT, label: "Fault", value: given.fault, material: false }],
        };
      },
    );
  },
  undo: undoneBy((_before, { cluster, fault, zone }) =>
    inverse("kubernetes.lift_fault", { cluster, fault, kind: "zone" }, `Bring ${zone} back`),
  ),
});

interface ApiNode {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function look(cluster: Cluster, { zone, fault }: Pick<Input, "zone" | "fault">) {
  const all = await cluster.list<ApiNode>("/api/v1/nodes");
  const ours = all.filter(({ metadata }) => metadata.labels?.[ZONE] === zone);
  const pods = await Promise.all(ours.map(({ metadata }) => podsOn(cluster, metadata.name)));
  return {
    nodes: ours.map(({ metadata, spec }) => ({
      name: metadata.name,
      schedulable: spec?.unschedulable !== true,
      marked: metadata.labels?.[FAULT] === fault,
    })),
    others: all.filter((node) => !ours.includes(node) && node.spec?.unschedulable !== true && isReady(node)).length,
    pods: pods.flat(),
  };
}

function isReady({ status }: ApiNode): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}

function isOut({ nodes, pods }: { readonly nodes: readonly ZoneNode[]; readonly pods: readonly PodView[] }): boolean {
  return nodes.length > 0 && nodes.every(({ schedulable }) => !schedulable) && pods.length === 0;
}

/** Nodes that a fault has taken out of use, by its mark. */
export async function markedNodes(cluster: Cluster, fault: string): Promise<readonly string[]> {
  const found = await cluster.list<ApiNode>("/api/v1/nodes", { labelSelector: `${FAULT}=${fault}` });
  return found.map(({ metadata }) => metadata.name);
}

/** Only where the mark is still this fault's. */
export function unmark(fault: string): readonly JsonOp[] {
  const mark = `/metadata/labels/${FAULT.replaceAll("/", "~1")}`;
  return [
    { op: "test", path: mark, value: fault },
    { op: "remove", path: mark },
    { op: "add", path: "/spec/unschedulable", value: false },
  ];
}

function present(nodes: readonly ZoneNode[], { zone }: Input): Check {
  const ok = nodes.length > 0;
  const says = ok ? `${nodes.length} nodes are in ${zone}.` : `No node has the label ${ZONE}=${zone}.`;
  return { id: "zone.present", level: "block", ok, says };
}

function roomElsewhere(others: number, { zone }: Input): Check {
  const ok = others > 0;
  const says = ok ? `${others} nodes outside ${zone} take new pods.` : `No node outside ${zone} takes new pods.`;
  return { id: "zone.others", level: "block", ok, says };
}

function owned(pods: readonly PodView[]): Check {
  const bare = pods.filter((pod) => pod.bare).map(({ namespace, name }) => `${namespace}/${name}`);
  const ok = bare.length === 0;
  const says = ok
    ? "What is evicted is started again elsewhere."
    : `No controller would start ${bare.join(", ")} again.`;
  return { id: "pods.owned", level: "block", ok, says };
}
