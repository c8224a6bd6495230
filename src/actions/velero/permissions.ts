import { type Cluster, type Declares, entering, inCluster } from "../permission.ts";

type Of<T> = Declares<{ readonly cluster: Cluster } & T>;

/** Velero's own objects are in the cluster's namespace. */
const source = (cluster: Cluster) => [
  ...entering(cluster),
  ...inCluster(cluster)("list", "velero.io/backups"),
  ...inCluster(cluster)("list", "velero.io/backupstoragelocations"),
];

export const veleroPermissions = {
  "velero.check": (({ cluster }) => source(cluster)) satisfies Of<object>,
  "velero.backup": (({ cluster }) => [
    ...source(cluster),
    ...inCluster(cluster)("get", "velero.io/backups"),
    ...inCluster(cluster)("create", "velero.io/backups"),
  ]) satisfies Of<object>,
  "velero.restore": (({ cluster, namespaces, into = {} }) => [
    ...source(cluster),
    ...(["get", "list", "create"] as const).flatMap((verb) => inCluster(cluster)(verb, "velero.io/restores")),
    // Whether there is something already where it is restored to.
    ...namespaces.flatMap((name) =>
      ["apps/deployments", "apps/statefulsets"].flatMap((what) => inCluster(cluster, into[name] ?? name)("list", what)),
    ),
  ]) satisfies Of<{ readonly namespaces: readonly string[]; readonly into?: Readonly<Record<string, string>> }>,
};
