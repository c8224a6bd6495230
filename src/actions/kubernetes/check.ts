import { z } from "zod";
import { after } from "../awaited.ts";
import type { Check, Fact } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  clusterInput,
  type Look,
  lookAtCluster,
} from "../kubernetes-client.ts";
import { defineLook } from "../read.ts";
import { type NodeView, readNodes } from "./node.ts";
import { readWorkload, sayWorkload, type WorkloadView, workloadInput } from "./workload.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** What has to be there. */
  workloads: z.array(workloadInput).max(200).default([]),
  /** Whether it has to be available too: false for a standby that is scaled to 0. */
  available: z.boolean().default(true),
  nodesAtLeast: z.number().int().min(1).max(5000).default(1),
  /** How long it may take until it is so: pods that were just made are not ready at once. */
  waitSeconds: z.number().min(0).max(300).default(0),
  /** False: a cluster that does not answer is a finding (`clusterAnswers`) on which later steps depend, and no failure. */
  required: z.boolean().default(true),
  after,
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly version: string;
  readonly nodes: readonly NodeView[];
  readonly workloads: readonly WorkloadView[];
  readonly missing: readonly string[];
}>;

/** Whether the plan's cluster answers, has nodes that take pods, and runs what it should. */
export const check = defineLook<Input, Seen>({
  id: "kubernetes.check",
  summary: "Look whether a cluster answers, has room, and runs what it should",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 330 },
  goesWithout: ({ required }) => (required ? [] : "all"),
  observe: (ctx, given) => lookAtCluster(ctx, given.cluster, [], (cluster) => look(cluster, given)),
  facts: factsOf,
  checks: checksOf,
  where: ({ cluster }) => cluster.context,
  says(seen, { cluster }) {
    if (!seen.answers) return `${cluster.context} does not answer: ${seen.why}.`;
    const found = [`${room(seen.nodes)} nodes take pods`, ...seen.workloads.map(sayWorkload)];
    return `${[`${cluster.context} answers`, ...found].join("; ")}.`;
  },
});

function factsOf(seen: Seen, given: Input): readonly Fact[] {
  return [
    answersFact(seen, given.cluster),
    { id: "version", label: "Kubernetes", value: seen.answers ? seen.version : null, material: false },
    { id: "nodesReady", label: "Nodes that take pods", value: seen.answers ? room(seen.nodes) : null, material: false },
    ...(seen.answers ? seen.workloads : []).map((view) => ({
      id: `available:${view.ref}`,
      label: `${view.ref} available`,
      value: view.available,
      material: false,
    })),
  ];
}

function checksOf(seen: Seen, given: Input): readonly Check[] {
  const accepted = !given.required && !seen.answers && seen.kind === "unreachable";
  return [
    ...clusterChecks(seen, given.cluster).map((one) => (accepted ? { ...one, level: "warn" as const } : one)),
    ...(seen.answers ? [enoughNodes(seen.nodes, given), ...workloadChecks(seen, given)] : []),
  ];
}

async function look(cluster: Cluster, { cluster: target, workloads: refs }: Input) {
  const [{ gitVersion: version }, nodes, found] = await Promise.all([
    cluster.get<{ gitVersion: string }>("/version"),
    readNodes(cluster),
    Promise.all(refs.map((ref) => readWorkload(cluster, target, ref))),
  ]);
  return {
    version,
    nodes,
    workloads: found.filter((view) => view !== null),
    missing: refs.filter((_, i) => found[i] === null),
  };
}

function room(nodes: readonly NodeView[]): number {
  return nodes.filter(({ ready, schedulable }) => ready && schedulable).length;
}

function enoughNodes(nodes: readonly NodeView[], { nodesAtLeast }: Input): Check {
  const ok = room(nodes) >= nodesAtLeast;
  const says = `${room(nodes)} of ${nodes.length} nodes take pods${ok ? "" : `; ${nodesAtLeast} are needed`}.`;
  return { id: "nodes.ready", level: "block", ok, says };
}

function workloadChecks(
  { workloads, missing }: { readonly workloads: readonly WorkloadView[]; readonly missing: readonly string[] },
  { available }: Input,
): readonly Check[] {
  const weak = available ? workloads.filter((view) => view.replicas === 0 || view.available < view.replicas) : [];
  const faults = [...missing.map((ref) => `There is no ${ref}.`), ...weak.map((view) => `${sayWorkload(view)}.`)];
  const says = faults.length === 0 ? "Every named workload is healthy." : faults.join(" ");
  return [{ id: "workloads", level: "block", ok: faults.length === 0, says }];
}
