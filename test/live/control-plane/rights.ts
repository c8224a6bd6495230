import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { cards } from "../../../src/actions/index.ts";
import type { ClusterPermission } from "../../../src/actions/permission.ts";
import { loadCatalog } from "../../../src/catalog/load.ts";
import { projectRoot } from "../../../src/lib/root.ts";
import { neededFor } from "../../../src/permissions/collect.ts";
import { rbacManifests } from "../../../src/permissions/rbac.ts";
import { type Api, apiAt } from "./api.ts";

/**
 * Holds the roles that `lifeboat permissions --rbac` prints for each shipped runbook against a real API server, which it fills: they are applied, and a service
 * account they are bound to is asked by its own token whether it may make each declared request, and requests beyond: another name, another namespace, another verb.
 * `KUBECONFIG=… node --import tsx test/live/control-plane/rights.ts`
 */
interface Config {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly "certificate-authority-data": string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const config = JSON.parse(await readFile(process.env.KUBECONFIG ?? "", "utf8")) as Config;
const { server, "certificate-authority-data": data } = config.clusters[0].cluster;
const ca = Buffer.from(data, "base64").toString();
const api = apiAt(server, ca, config.users[0].user.token);
const { catalog } = loadCatalog(`${projectRoot()}/templates/systems`, cards);
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const OTHER = `beyond-${Date.now().toString(36)}`;
const count = { runbooks: 0, roles: 0, allowed: 0, refused: 0 };
const wrong: string[] = [];
await namespace(OTHER);

for (const runbook of catalog.runbooks) {
  const system = catalog.systems.find(({ id }) => id === runbook.system);
  if (system === undefined) continue;
  const { permissions } = await neededFor(system, runbook);
  const asked = permissions.filter((one): one is ClusterPermission => one.of === "cluster");
  for (const context of new Set(asked.map((one) => one.context)))
    await holdRights(
      `${runbook.system}/${runbook.id}`,
      asked.filter((one) => one.context === context),
    );
  if (asked.length > 0) count.runbooks++;
}
process.stdout.write(`${JSON.stringify(count)}\n${wrong.map((one) => `${one}\n`).join("")}`);
api.close();
process.exitCode = wrong.length === 0 ? 0 : 1;

async function holdRights(runbook: string, asked: readonly ClusterPermission[]): Promise<void> {
  const login = `login-${Date.now().toString(36)}-${count.roles}`;
  await namespace(login);
  await api.create(`/api/v1/namespaces/${login}/serviceaccounts`, { metadata: { name: "lifeboat" } });
  const applied: string[] = [];
  const printed = rbacManifests(asked, { runbook, group: `system:serviceaccounts:${login}` });
  for (const document of parseAllDocuments(printed)) {
    const one = document.toJS() as Manifest;
    if (one.metadata.namespace !== undefined) await namespace(one.metadata.namespace);
    const path = `${one.metadata.namespace === undefined ? RBAC : `${RBAC}/namespaces/${one.metadata.namespace}`}/${one.kind.toLowerCase()}s`;
    await api.create(path, one);
    applied.push(`${path}/${one.metadata.name}`);
    count.roles++;
  }
  const spec = { expirationSeconds: 600 };
  const path = `/api/v1/namespaces/${login}/serviceaccounts/lifeboat/token`;
  const { status } = await api.create<{ status: { token: string } }>(path, { spec });
  const own = apiAt(server, ca, status.token);
  for (const one of asked.flatMap(each)) {
    if (await may(own, one)) count.allowed++;
    else wrong.push(`${runbook}: refused ${show(one)}`);
  }
  const declared = new Set(asked.flatMap(each).map(show));
  for (const one of asked.flatMap((known) => beyond(known))) {
    if (
      declared.has(show(one)) ||
      declared.has(show({ ...one, name: null })) ||
      declared.has(show({ ...one, name: null, namespace: null }))
    )
      continue;
    if (await may(own, one)) wrong.push(`${runbook}: allowed ${show(one)}`);
    else count.refused++;
  }
  own.close();
  for (const one of applied) await api.remove(one);
}

interface Request {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | null;
  readonly name: string | null;
}

function each({ verb, group, resource, namespace: where, names }: ClusterPermission): readonly Request[] {
  const some = names === null || names.includes("*") ? [null] : names;
  return some.map((name) => ({ verb, group, resource, namespace: where, name }));
}

function beyond(known: ClusterPermission): readonly Request[] {
  const requests = each(known);
  return requests.flatMap((one) => [
    ...["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"].map((verb) => ({
      ...one,
      verb,
    })),
    { ...one, name: OTHER },
    ...(one.namespace === null ? [] : [{ ...one, namespace: OTHER }]),
    { ...one, resource: "secrets", group: "" },
  ]);
}

async function may(own: Api, { resource: what, namespace: where, name, ...request }: Request): Promise<boolean> {
  const [resource, subresource] = what.split("/");
  const attributes = {
    ...request,
    resource,
    subresource,
    ...(where !== null && { namespace: where }),
    ...(name !== null && { name }),
  };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const { status } = await own.create<{ status: { allowed: boolean } }>(path, {
    spec: { resourceAttributes: attributes },
  });
  return status.allowed;
}

async function namespace(name: string): Promise<void> {
  if (!(await api.find(`/api/v1/namespaces/${name}`))) await api.create("/api/v1/namespaces", { metadata: { name } });
}

function show({ verb, group, resource, namespace: where, name }: Request): string {
  return `${verb} ${group}/${resource} ${name ?? "*"} in ${where ?? "all"}`;
}
