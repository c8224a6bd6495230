import { z } from "zod";
import type { Check, Fact } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  type ClusterTarget,
  clusterInput,
  dnsName,
  type Look,
  statusOf,
} from "../kubernetes-client.ts";

export const nodeInput = z.strictObject({ cluster: clusterInput, node: dnsName });
export type NodeInput = z.infer<typeof nodeInput>;

export interface NodeView {
  readonly name: string;
  readonly schedulable: boolean;
  readonly ready: boolean;
}

interface ApiNode {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** A node as the actions on nodes see it; null: the cluster has none of that name. */
export async function readNode(cluster: Cluster, name: string): Promise<NodeView | null> {
  try {
    return nodeView(await cluster.get<ApiNode>(`/api/v1/nodes/${name}`));
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

export async function readNodes(cluster: Cluster): Promise<readonly NodeView[]> {
  return (await cluster.list<ApiNode>("/api/v1/nodes")).map(nodeView);
}

function nodeView({ metadata, spec, status }: ApiNode): NodeView {
  return {
    name: metadata.name,
    schedulable: spec?.unschedulable !== true,
    ready: status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
  };
}

export function nodePresent(node: NodeView | null, name: string): Check {
  const ok = node !== null;
  return { id: "node.present", level: "block", ok, says: ok ? `${name} is a node.` : `There is no node ${name}.` };
}

export function nodeFacts(
  seen: Look<{ readonly node: NodeView | null }>,
  { cluster, node }: NodeInput,
): readonly Fact[] {
  const view = seen.answers ? seen.node : null;
  return [
    answersFact(seen, cluster),
    { id: "nodePresent", label: `${node} is there`, value: view !== null, material: true },
    { id: "schedulable", label: `${node} takes new pods`, value: view?.schedulable ?? null, material: false },
  ];
}

export function nodeResource({ clusterUid }: ClusterTarget, node: string): string {
  return `kubernetes:${clusterUid}/node/${node}`;
}
