import { parseAllDocuments } from "yaml";
import type { PracticeCluster } from "../../practice/targets/kubernetes/index.ts";
import type { Action } from "../../src/actions/contract.ts";
import { permissionsOf } from "../../src/actions/permissions.ts";
import { rbacManifests } from "../../src/permissions/rbac.ts";

const ACCOUNT = "lifeboat";
const PLURALS: Readonly<Record<string, string>> = {
  Role: "roles",
  RoleBinding: "rolebindings",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
};
let accounts = 0;

/** A login to practice clusters that may at any moment what `lifeboat permissions` prints for the action under way, and nothing else. */
export interface LeastRights {
  /** Of each cluster, in their order. */
  readonly tokens: readonly string[];
  /** The same actions; each call is given its rights first, and the rights of the one before are taken back. */
  of(actions: ReadonlyMap<string, Action>): ReadonlyMap<string, Action>;
}

export function leastRights(clusters: readonly PracticeCluster[]): LeastRights {
  const namespace = `login-${++accounts}-of`;
  const tokens = clusters.map((cluster) => {
    cluster.put("serviceaccounts", namespace, { metadata: { name: ACCOUNT } });
    return cluster.login(namespace, ACCOUNT);
  });
  const grant = async (action: string, input: unknown) => {
    const permissions = await permissionsOf(action, input);
    for (const cluster of clusters) {
      const here = permissions.filter((one) => one.of === "cluster" && one.context === cluster.name);
      const options = { runbook: namespace, group: `system:serviceaccounts:${namespace}` };
      takeBack(cluster, `lifeboat-${namespace}`);
      for (const document of parseAllDocuments(rbacManifests(here, options))) {
        const one = document.toJS() as Manifest | null;
        if (one !== null) put(cluster, one);
      }
    }
  };
  return { tokens, of: (actions) => new Map([...actions].map(([id, action]) => [id, granted(action, grant)])) };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly roleRef?: object;
  readonly [field: string]: unknown;
}

/** A namespace that the step itself makes has no Role before: who lets Lifeboat make namespaces lets it do so everywhere. */
function put(cluster: PracticeCluster, one: Manifest): void {
  const { namespace, name } = one.metadata;
  if (namespace === undefined || cluster.get("namespaces", undefined, namespace)) {
    cluster.put(PLURALS[one.kind] ?? "", namespace, one);
    return;
  }
  const metadata = { name: `${name}-${namespace}` };
  const roleRef = one.roleRef && { roleRef: { ...one.roleRef, kind: "ClusterRole", name: metadata.name } };
  cluster.put(PLURALS[`Cluster${one.kind}`] ?? "", undefined, { ...one, metadata, ...roleRef });
}

function takeBack(cluster: PracticeCluster, name: string): void {
  for (const plural of Object.values(PLURALS))
    for (const { metadata } of cluster.list(plural))
      if (metadata.name.startsWith(name)) cluster.remove(plural, metadata.namespace, metadata.name);
}

function granted(action: Action, grant: (action: string, input: unknown) => Promise<void>): Action {
  const first =
    <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      await grant(action.id, given[1]);
      return await work(...given);
    };
  return {
    ...action,
    observe: first(action.observe.bind(action)),
    verify: first(action.verify.bind(action)),
    ...(action.apply && { apply: first(action.apply.bind(action)) }),
    ...(action.watch && { watch: { ...action.watch, look: first(action.watch.look.bind(action.watch)) } }),
  };
}
