import { type Cluster, type Declares, entering, inCluster } from "../permission.ts";

/** What switching an application read-only asks of its cluster. */
export const appPermissions = {
  "app.readonly": (({ flag: { cluster, configMap } }) =>
    cluster === undefined || configMap === undefined
      ? []
      : [
          ...entering(cluster),
          ...inCluster(cluster)("get", "configmaps", [configMap]),
          ...inCluster(cluster)("patch", "configmaps", [configMap]),
        ]) satisfies Declares<{ readonly flag: { readonly cluster?: Cluster; readonly configMap?: string } }>,
};
