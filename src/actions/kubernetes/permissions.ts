import { type Manifest, readObjects, type Wished } from "../manifests.ts";
import {
  type Cluster,
  type ClusterPermission,
  type Declares,
  entering,
  inCluster,
  type Permission,
} from "../permission.ts";
import { objectOf } from "./fault.ts";

type Of<T> = Declares<{ readonly cluster: Cluster } & T>;
interface Node {
  readonly node: string;
}
interface Workloads {
  readonly workloads?: readonly string[] | undefined;
  readonly selector?: string | undefined;
  readonly counts?: Readonly<Record<string, number>> | undefined;
  readonly restoreFrom?: string | undefined;
  readonly reads?: readonly string[] | undefined;
}

interface Fault {
  readonly fault: string;
}

function ofJob(cluster: Cluster, fault: string): readonly Permission[] {
  return [...inCluster(cluster)("get", "batch/jobs", [objectOf(fault)]), ...inCluster(cluster)("create", "batch/jobs")];
}

const KINDS = ["deployments", "statefulsets"] as const;

/** `deployment/api`: the names of each kind. */
function ofWorkloads(cluster: Cluster, verb: "get" | "patch", refs: readonly string[] | null): readonly Permission[] {
  return KINDS.flatMap((kind) => {
    const names = refs?.flatMap((ref) => (`${ref.split("/")[0]}s` === kind ? [ref.split("/")[1] ?? ""] : [])) ?? null;
    return inCluster(cluster)(verb, `apps/${kind}`, names);
  });
}

/** Pods say why a rollout doesn't end. */
function whyItWaits(cluster: Cluster): readonly Permission[] {
  return inCluster(cluster)("list", "pods");
}

const onNode = (({ cluster, node }) => [
  ...entering(cluster),
  ...inCluster(cluster, null)("list", "nodes"),
  ...inCluster(cluster, null)("get", "nodes", [node]),
  ...inCluster(cluster, null)("patch", "nodes", [node]),
]) satisfies Of<Node>;

export const kubernetesPermissions = {
  "kubernetes.check": (({ cluster, workloads = [] }) => [
    ...entering(cluster),
    ...inCluster(cluster, null)("list", "nodes"),
    ...ofWorkloads(cluster, "get", workloads),
  ]) satisfies Of<{ readonly workloads?: readonly string[] }>,
  "kubernetes.compare": (({ from, to, workloads }) =>
    [from, to].flatMap((cluster) => [
      ...entering(cluster),
      ...inCluster(cluster, null)("list", "nodes"),
      ...ofWorkloads(cluster, "get", workloads),
      ...inCluster(cluster)("get", "configmaps"),
      ...inCluster(cluster)("get", "secrets"),
      ...inCluster(cluster)("list", "resourcequotas"),
    ])) satisfies Declares<{
    readonly from: Cluster;
    readonly to: Cluster;
    readonly workloads: readonly string[];
  }>,
  "kubernetes.unlisted": (({ cluster }) => [
    ...entering(cluster),
    ...KINDS.flatMap((kind) => inCluster(cluster)("list", `apps/${kind}`)),
  ]) satisfies Of<object>,
  "kubernetes.scale": (({ cluster, workloads, selector, counts, reads = [] }) => {
    const refs = workloads ?? (counts === undefined ? null : Object.keys(counts));
    return [
      ...entering(cluster),
      ...ofWorkloads(cluster, "get", refs),
      ...ofWorkloads(cluster, "patch", refs),
      ...(selector === undefined ? [] : KINDS.flatMap((kind) => inCluster(cluster)("list", `apps/${kind}`))),
      ...inCluster(cluster)("list", "pods"),
      ...inCluster(cluster)("list", "autoscaling/horizontalpodautoscalers"),
      ...inCluster(cluster)("get", "configmaps", reads),
    ];
  }) satisfies Of<Workloads>,
  "kubernetes.restart": (({ cluster, workload, reads = [] }) => [
    ...entering(cluster),
    ...ofWorkloads(cluster, "get", [workload]),
    ...ofWorkloads(cluster, "patch", [workload]),
    ...whyItWaits(cluster),
    ...inCluster(cluster)("get", "configmaps", reads),
  ]) satisfies Of<{ readonly workload: string; readonly reads?: readonly string[] | undefined }>,
  "kubernetes.rollback": (({ cluster, deployment }) => [
    ...entering(cluster),
    ...inCluster(cluster)("get", "apps/deployments", [deployment]),
    ...inCluster(cluster)("patch", "apps/deployments", [deployment]),
    ...whyItWaits(cluster),
    // What a revision's ReplicaSet is called is known once it was looked at.
    ...inCluster(cluster)("list", "apps/replicasets"),
    ...inCluster(cluster)("get", "apps/replicasets"),
  ]) satisfies Of<{ readonly deployment: string }>,
  "kubernetes.run_job": (({ cluster, cronJob }) => [
    ...entering(cluster),
    ...inCluster(cluster)("get", "batch/cronjobs", [cronJob]),
    ...inCluster(cluster)("list", "batch/jobs"),
    ...inCluster(cluster)("create", "batch/jobs"),
    ...inCluster(cluster)("list", "pods"),
  ]) satisfies Of<{ readonly cronJob: string }>,
  "kubernetes.suspend_cron": (({ cluster, cronJobs }) => [
    ...entering(cluster),
    ...inCluster(cluster)("list", "batch/cronjobs"),
    ...inCluster(cluster)("patch", "batch/cronjobs", cronJobs ?? null),
    ...inCluster(cluster)("list", "batch/jobs"),
  ]) satisfies Of<{ readonly cronJobs?: readonly string[] | undefined }>,
  "kubernetes.switch_service": (({ cluster, service }) => [
    ...entering(cluster),
    ...inCluster(cluster)("get", "services", [service]),
    ...inCluster(cluster)("patch", "services", [service]),
    ...inCluster(cluster)("list", "pods"),
    ...inCluster(cluster)("list", "discovery.k8s.io/endpointslices"),
  ]) satisfies Of<{ readonly service: string }>,
  "kubernetes.patch_config": (({ cluster, configMap }) => [
    ...entering(cluster),
    ...inCluster(cluster)("get", "configmaps", [configMap]),
    ...inCluster(cluster)("patch", "configmaps", [configMap]),
  ]) satisfies Of<{ readonly configMap: string }>,
  "kubernetes.cordon": onNode,
  "kubernetes.uncordon": onNode,
  "kubernetes.drain": (({ cluster, node }) => [
    ...entering(cluster),
    ...inCluster(cluster, null)("get", "nodes", [node]),
    // Its pods are of any namespace.
    ...inCluster(cluster, null)("list", "pods"),
    ...inCluster(cluster, null)("create", "pods/eviction"),
  ]) satisfies Of<Node>,
  "kubernetes.fail_zone": (({ cluster }) => [
    ...entering(cluster),
    ...inCluster(cluster, null)("list", "nodes"),
    // Which nodes are in a zone is known once it was looked at.
    ...inCluster(cluster, null)("patch", "nodes"),
    ...inCluster(cluster, null)("list", "pods"),
    ...inCluster(cluster, null)("create", "pods/eviction"),
  ]) satisfies Of<object>,
  "kubernetes.isolate": (({ cluster, fault }) => [
    ...entering(cluster),
    ...ofJob(cluster, fault),
    ...inCluster(cluster)("get", "networking.k8s.io/networkpolicies", [objectOf(fault)]),
    ...inCluster(cluster)("create", "networking.k8s.io/networkpolicies"),
    ...inCluster(cluster)("delete", "networking.k8s.io/networkpolicies", [objectOf(fault)]),
    ...inCluster(cluster)("list", "pods"),
  ]) satisfies Of<Fault>,
  "kubernetes.exhaust": (({ cluster, fault }) => [
    ...entering(cluster),
    ...ofJob(cluster, fault),
    ...inCluster(cluster)("list", "pods"),
  ]) satisfies Of<Fault>,
  "kubernetes.lift_fault": (({ cluster, fault, kind }) => [
    ...entering(cluster),
    ...(kind === "zone"
      ? [...inCluster(cluster, null)("list", "nodes"), ...inCluster(cluster, null)("patch", "nodes")]
      : ["batch/jobs", ...(kind === "partition" ? ["networking.k8s.io/networkpolicies"] : [])].flatMap((what) => [
          ...inCluster(cluster)("get", what, [objectOf(fault)]),
          ...inCluster(cluster)("delete", what, [objectOf(fault)]),
        ])),
  ]) satisfies Of<Fault & { readonly kind: string }>,
  "kubernetes.apply": (async ({ cluster, manifests, makesNamespace }) => {
    const objects = await readObjects(manifests);
    const own: Wished = { apiVersion: "v1", kind: "Namespace", metadata: { name: cluster.namespace } };
    return [
      ...entering(cluster),
      ...[...(makesNamespace ? [own] : []), ...objects].flatMap((object) => applied(cluster, object)),
    ];
  }) satisfies Of<{ readonly manifests: readonly Manifest[]; readonly makesNamespace?: boolean }>,
};

/** A server-side apply makes what is not there with the same verb; RBAC asks for `create` as well then. */
function applied(cluster: Cluster, { apiVersion, kind, metadata }: Wished): readonly ClusterPermission[] {
  const group = apiVersion.includes("/") ? `${apiVersion.split("/")[0]}/` : "";
  const namespace = IN_NO_NAMESPACE.has(kind) ? null : (metadata.namespace ?? cluster.namespace);
  const allow = inCluster(cluster, namespace);
  const what = `${group}${pluralOf(kind)}`;
  return [
    ...allow("get", what, [metadata.name]),
    ...allow("patch", what, [metadata.name]),
    ...allow("create", what),
    ...(ROLLED_OUT.has(kind) ? allow("list", "pods") : []),
  ];
}

const ROLLED_OUT = new Set(["Deployment", "StatefulSet"]);
/** Of the API's own kinds. One of a definition of someone's own is taken to be in a namespace. */
const IN_NO_NAMESPACE = new Set([
  "APIService",
  "ClusterRole",
  "ClusterRoleBinding",
  "CSIDriver",
  "CustomResourceDefinition",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "RuntimeClass",
  "StorageClass",
  "ValidatingWebhookConfiguration",
]);

/** As Kubernetes names the resources of its kinds; a definition of someone's own may say otherwise. */
export function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name === "endpoints") return name;
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}
