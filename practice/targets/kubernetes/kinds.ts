import type { Thing } from "./thing.ts";

/** A kind of object, where the API keeps it. */
export interface Kind {
  readonly plural: string;
  readonly kind: string;
  /** `/api/v1` or `/apis/<group>/<version>`. */
  readonly base: string;
  readonly namespaced: boolean;
}

const kind = (base: string, plural: string, name: string, namespaced = true): Kind => ({
  base,
  plural,
  kind: name,
  namespaced,
});

/** Every kind this API server knows; any other path is a 404. */
export const KINDS: readonly Kind[] = [
  kind("/api/v1", "nodes", "Node", false),
  kind("/api/v1", "namespaces", "Namespace", false),
  kind("/api/v1", "pods", "Pod"),
  kind("/api/v1", "services", "Service"),
  kind("/api/v1", "configmaps", "ConfigMap"),
  kind("/api/v1", "secrets", "Secret"),
  kind("/api/v1", "serviceaccounts", "ServiceAccount"),
  kind("/api/v1", "resourcequotas", "ResourceQuota"),
  kind("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", false),
  kind("/apis/rbac.authorization.k8s.io/v1", "roles", "Role"),
  kind("/apis/rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
  kind("/apis/rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", false),
  kind("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", false),
  kind("/apis/apps/v1", "deployments", "Deployment"),
  kind("/apis/apps/v1", "replicasets", "ReplicaSet"),
  kind("/apis/apps/v1", "statefulsets", "StatefulSet"),
  kind("/apis/apps/v1", "daemonsets", "DaemonSet"),
  kind("/apis/batch/v1", "jobs", "Job"),
  kind("/apis/batch/v1", "cronjobs", "CronJob"),
  kind("/apis/networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"),
  kind("/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
  kind("/apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
  kind("/apis/discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
  kind("/apis/velero.io/v1", "backups", "Backup"),
  kind("/apis/velero.io/v1", "restores", "Restore"),
  kind("/apis/velero.io/v1", "schedules", "Schedule"),
  kind("/apis/velero.io/v1", "backupstoragelocations", "BackupStorageLocation"),
];

export function kindAt(kinds: readonly Kind[], base: string, plural: string): Kind | undefined {
  return kinds.find((one) => one.base === base && one.plural === plural);
}

/** What a CustomResourceDefinition makes the API server know, once it is established. */
export function definedBy({ spec, status }: Thing): readonly Kind[] {
  const conditions = (status?.conditions ?? []) as readonly { type: string; status: string }[];
  if (!conditions.some((one) => one.type === "Established" && one.status === "True")) return [];
  const { group, scope, names, versions } = spec as unknown as Definition;
  return versions
    .filter(({ served }) => served)
    .map(({ name }) => kind(`/apis/${group}/${name}`, names.plural, names.kind, scope === "Namespaced"));
}

interface Definition {
  readonly group: string;
  readonly scope: "Namespaced" | "Cluster";
  readonly names: { readonly plural: string; readonly kind: string };
  readonly versions: readonly { readonly name: string; readonly served: boolean }[];
}

export function kindNamed(plural: string): Kind {
  const found = KINDS.find((one) => one.plural === plural);
  if (!found) throw new TypeError(`No kind ${plural}`);
  return found;
}

export function apiVersionOf({ base }: Kind): string {
  return base.replace(/^\/apis?\//, "");
}

/** Empty: the core group. */
export function groupOf({ base }: Kind): string {
  return base.startsWith("/apis/") ? (base.split("/")[2] ?? "") : "";
}
