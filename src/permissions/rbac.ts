import type { ClusterPermission, Permission } from "../actions/permission.ts";
import { kubernetesYaml } from "../lib/kubernetes-yaml.ts";

export interface RbacOptions {
  /** `shop/region-failover` */
  readonly runbook: string;
  /** The group Lifeboat's login is in: what an EKS access entry, a certificate or an OIDC token says. */
  readonly group: string;
}

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Roles and their bindings, each context after the other: a context may be a cluster of its own, so each is applied to its own. */
export function rbacManifests(permissions: readonly Permission[], { runbook, group }: RbacOptions): string {
  const asked = permissions.filter((one): one is ClusterPermission => one.of === "cluster");
  const name = `lifeboat-${runbook.replace(/[^a-z0-9]+/gi, "-").toLowerCase()}`;
  const contexts = [...new Set(asked.map(({ context }) => context))].sort();
  return contexts
    .map((context) => {
      const here = asked.filter((one) => one.context === context);
      const namespaces = [...new Set(here.map(({ namespace }) => namespace))].sort(nullFirst);
      const documents = namespaces.flatMap((namespace) =>
        roleAndBinding(name, group, namespace, rulesOf(here.filter((one) => one.namespace === namespace))),
      );
      const there = namespaces.filter((one) => one !== null);
      const first =
        there.length === 0 ? "" : `# A Role needs its namespace. Create first what isn't there: ${there.join(", ")}\n`;
      return `# kubectl --context ${context} apply -f -\n${first}${documents.map((one) => kubernetesYaml(one)).join("---\n")}`;
    })
    .join("---\n");
}

function roleAndBinding(
  name: string,
  group: string,
  namespace: string | null,
  rules: readonly PolicyRule[],
): readonly object[] {
  const kind = namespace === null ? "ClusterRole" : "Role";
  const metadata = { name, ...(namespace !== null && { namespace }) };
  const apiVersion = "rbac.authorization.k8s.io/v1";
  return [
    { apiVersion, kind, metadata, rules },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group }],
    },
  ];
}

/** Verbs of the same resource and names share a rule. What may be done to every name needs no rule by name. */
function rulesOf(asked: readonly ClusterPermission[]): readonly PolicyRule[] {
  const names = new Map<string, Set<string> | null>();
  for (const { group, resource, verb, names: some } of asked) {
    const key = JSON.stringify([group, resource, verb]);
    const known = names.get(key);
    if (known === null) continue;
    names.set(key, some === null || some.includes("*") ? null : new Set([...(known ?? []), ...some]));
  }
  const rules = new Map<string, { key: readonly [string, string, readonly string[] | null]; verbs: string[] }>();
  for (const [key, some] of names) {
    const [group, resource, verb] = JSON.parse(key) as [string, string, string];
    const sorted = some === null ? null : [...some].sort();
    const id = JSON.stringify([group, resource, sorted]);
    const rule = rules.get(id) ?? { key: [group, resource, sorted] as const, verbs: [] };
    rules.set(id, rule);
    rule.verbs.push(verb);
  }
  return [...rules.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([
        ,
        {
          key: [group, resource, some],
          verbs,
        },
      ]) => ({
        apiGroups: [group],
        resources: [resource],
        ...(some !== null && { resourceNames: some }),
        verbs: verbs.sort(),
      }),
    );
}

function nullFirst(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return a < b ? -1 : 1;
}
