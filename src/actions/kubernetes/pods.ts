import type { Cluster, ClusterTarget } from "../kubernetes-client.ts";

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

interface ApiPod {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
    }[];
  };
}

/**
 * The pods of a workload (`deployment/api`) that have not ended, also those that are being deleted: they run, and write,
 * until their grace period is over, and a workload's own status no longer counts them.
 */
export async function runningPods(
  cluster: Cluster,
  target: ClusterTarget,
  ref: string,
  selector: LabelSelector | undefined,
): Promise<readonly string[]> {
  return (await running(cluster, target, ref, selector)).map(({ metadata }) => metadata.name);
}

/** Those of them that are being deleted: `kubectl rollout status` no longer counts them, and they run until their grace period is over. */
export async function endingPods(
  cluster: Cluster,
  target: ClusterTarget,
  ref: string,
  selector: LabelSelector | undefined,
): Promise<readonly string[]> {
  const pods = await running(cluster, target, ref, selector);
  return pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined).map(({ metadata }) => metadata.name);
}

async function running(cluster: Cluster, target: ClusterTarget, ref: string, selector: LabelSelector | undefined) {
  const pods = await selected(cluster, target, selector);
  return pods
    .filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed")
    .filter((pod) => !isAnothers(pod, ref));
}

/** Why pods wait to be started: no node has room for them, or their containers do not start. At most three. */
export async function waitingReasons(
  cluster: Cluster,
  target: ClusterTarget,
  selector: LabelSelector | undefined,
): Promise<readonly string[]> {
  const pods = await selected(cluster, target, selector);
  const reasons = pods.flatMap(({ status }) => [
    ...(status?.conditions ?? []).flatMap(({ type, status: is, reason, message }) =>
      type === "PodScheduled" && is === "False" ? [`${reason ?? "Unschedulable"}: ${message ?? ""}`] : [],
    ),
    ...(status?.containerStatuses ?? []).flatMap(({ state }) =>
      state?.waiting?.reason ? [`${state.waiting.reason}: ${state.waiting.message ?? ""}`] : [],
    ),
  ]);
  return [...new Set(reasons)].slice(0, 3);
}

async function selected(cluster: Cluster, { namespace }: ClusterTarget, selector: LabelSelector | undefined) {
  const labelSelector = textOf(selector);
  if (labelSelector === "") return [];
  return await cluster.list<ApiPod>(`/api/v1/namespaces/${namespace}/pods`, { labelSelector });
}

/** Two workloads may select the same labels; whose a pod is, its controller says. One without a controller counts. */
function isAnothers({ metadata }: ApiPod, ref: string): boolean {
  const controller = metadata.ownerReferences?.find((one) => one.controller === true);
  if (!controller) return false;
  const [kind, name] = ref.split("/");
  if (kind === "statefulset") return controller.kind !== "StatefulSet" || controller.name !== name;
  return controller.kind !== "ReplicaSet" || controller.name !== `${name}-${metadata.labels?.["pod-template-hash"]}`;
}

function textOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  const operators: Readonly<Record<string, string>> = { In: "in", NotIn: "notin" };
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      const word = operators[operator];
      if (word) return `${key} ${word} (${values.join(",")})`;
      return operator === "DoesNotExist" ? `!${key}` : key;
    }),
  ].join(",");
}
