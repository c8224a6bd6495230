import { randomBytes } from "node:crypto";
import { Refusal } from "../../kit/refusal.ts";
import { kindNamed } from "./kinds.ts";
import { notFound } from "./refusal.ts";
import type { ObjectStore } from "./store.ts";
import { stamp, type Thing } from "./thing.ts";

/** Who calls. */
export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What a request asks for, as RBAC sees it. */
export interface Request {
  readonly verb: string;
  /** Empty: the core group. */
  readonly group: string;
  /** With its subresource: `pods/eviction`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Binding extends Thing {
  readonly roleRef: { readonly kind: "Role" | "ClusterRole"; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

export const ADMIN: Caller = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const TOKEN_SECONDS = 3600;

/** Whether RBAC lets them: everything to masters, to others what a role says that is bound to them here, or in the whole cluster. */
export function allows(store: ObjectStore, caller: Caller, request: Request): boolean {
  if (caller.groups.includes("system:masters")) return true;
  const everywhere = store.list(kindNamed("clusterrolebindings")) as Binding[];
  const here =
    request.namespace === undefined ? [] : (store.list(kindNamed("rolebindings"), request.namespace) as Binding[]);
  return [...everywhere, ...here]
    .filter((binding) => isBound(binding, caller))
    .flatMap((binding) => rulesOf(store, binding))
    .some((rule) => holds(rule, request));
}

/** The API server's own sentence. */
export function forbidden({ name: who }: Caller, { verb, group, resource, namespace, name }: Request): Refusal {
  const plural = resource.split("/")[0] ?? "";
  const qualified = group === "" ? plural : `${plural}.${group}`;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const what = `cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
  return new Refusal(
    "Forbidden",
    `${qualified}${name === undefined ? "" : ` "${name}"`} is forbidden: User "${who}" ${what}`,
    403,
    {
      ...(name !== undefined && { name }),
      ...(group !== "" && { group }),
      kind: plural,
    },
  );
}

/** Tokens of service accounts, as TokenRequest gives them. */
export interface Tokens {
  give(store: ObjectStore, namespace: string, account: string): Thing;
  callerOf(token: string): Caller | null;
}

export function createTokens(): Tokens {
  const known = new Map<string, Caller>();
  return {
    give(store, namespace, account) {
      if (!store.find(kindNamed("serviceaccounts"), namespace, account)) throw notFound("serviceaccounts", account);
      const token = randomBytes(24).toString("hex");
      known.set(token, {
        name: `system:serviceaccount:${namespace}:${account}`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      });
      const expirationTimestamp = stamp(new Date(Date.now() + TOKEN_SECONDS * 1000));
      return {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        metadata: { name: account, namespace } as Thing["metadata"],
        status: { token, expirationTimestamp },
      };
    },
    callerOf: (token) => known.get(token) ?? null,
  };
}

function isBound({ subjects = [], metadata }: Binding, { name, groups }: Caller): boolean {
  return subjects.some((one) => {
    if (one.kind === "Group") return groups.includes(one.name);
    if (one.kind === "User") return one.name === name;
    return name === `system:serviceaccount:${one.namespace ?? metadata.namespace}:${one.name}`;
  });
}

function rulesOf(store: ObjectStore, { roleRef, metadata }: Binding): readonly Rule[] {
  const role =
    roleRef.kind === "ClusterRole"
      ? store.find(kindNamed("clusterroles"), undefined, roleRef.name)
      : store.find(kindNamed("roles"), metadata.namespace, roleRef.name);
  return (role?.rules ?? []) as readonly Rule[];
}

/** A rule with names allows no request without one: lists and creations have none. */
function holds({ apiGroups = [], resources = [], resourceNames = [], verbs }: Rule, request: Request): boolean {
  const has = (list: readonly string[], one: string) => list.includes(one) || list.includes("*");
  return (
    has(verbs, request.verb) &&
    has(apiGroups, request.group) &&
    has(resources, request.resource) &&
    (resourceNames.length === 0 || (request.name !== undefined && resourceNames.includes(request.name)))
  );
}
