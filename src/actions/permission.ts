/**
 * What an action asks of a target that decides by itself who may: AWS's IAM and Kubernetes' RBAC. Declared by the action's target in
 * `permissions.ts`, for the policies of `lifeboat permissions`; tests hold it against the requests that are really made.
 */
export type Permission = AwsPermission | ClusterPermission;

export interface AwsPermission {
  readonly of: "aws";
  /** As IAM names it: `rds:PromoteReadReplica`. */
  readonly action: string;
  /** An ARN, or `*` where AWS knows no narrower one for it. */
  readonly resource: string;
  /** With `*`: the regions it is asked in. Empty: the service has none. */
  readonly regions: readonly string[];
}

export interface ClusterPermission {
  readonly of: "cluster";
  readonly context: string;
  /** Null: the resource is in no namespace, or asked for in all of them. */
  readonly namespace: string | null;
  readonly verb: "get" | "list" | "patch" | "create" | "delete";
  /** Empty: the core group. */
  readonly group: string;
  /** With its subresource: `pods/eviction`. */
  readonly resource: string;
  /** Null: whatever its name. RBAC can restrict neither lists nor creations by name. */
  readonly names: readonly string[] | null;
}

/** @param input of the action, with what stands for a value that isn't known yet */
export type Declares<I> = (input: I) => readonly Permission[] | Promise<readonly Permission[]>;

export interface Cluster {
  readonly context: string;
  readonly namespace: string;
}

type Named = readonly string[] | null;

/** In the cluster's namespace, or in another one; `[]`: nothing is asked. */
export function inCluster({ context, namespace: own }: Cluster, namespace: string | null = own) {
  return (verb: ClusterPermission["verb"], what: string, names: Named = null): readonly ClusterPermission[] => {
    const [group = "", resource = ""] = what.includes("/") && !what.startsWith("pods/") ? split(what) : ["", what];
    return names?.length === 0 ? [] : [{ of: "cluster", context, namespace, verb, group, resource, names }];
  };
}

function split(what: string): readonly [string, string] {
  const at = what.indexOf("/");
  return [what.slice(0, at), what.slice(at + 1)];
}

/** What of these changes something in a cluster. A list or a look is refused by itself when it is made. */
export function changesAmong(permissions: readonly Permission[]): readonly ClusterPermission[] {
  return permissions.filter(
    (one): one is ClusterPermission => one.of === "cluster" && one.verb !== "get" && one.verb !== "list",
  );
}

/** Every call begins with a look whether this is the plan's cluster. */
export function entering(cluster: Cluster): readonly ClusterPermission[] {
  return inCluster(cluster, null)("get", "namespaces", ["kube-system"]);
}
