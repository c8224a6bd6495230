import { Refusal } from "../../kit/refusal.ts";
import { budgetOf } from "./controllers.ts";
import { apiVersionOf, definedBy, groupOf, KINDS, type Kind, kindAt, kindNamed } from "./kinds.ts";
import { leafAt, leaves, merged, patched } from "./patch.ts";
import { terminate } from "./pods.ts";
import { allows, type Caller, forbidden, type Request, type Tokens } from "./rbac.ts";
import { notFound } from "./refusal.ts";
import { hasLabels } from "./selector.ts";
import type { ObjectStore } from "./store.ts";
import type { Draft, Thing, Tree } from "./thing.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: unknown;
}

export interface Answer {
  readonly code: number;
  readonly body: unknown;
}

const PATH =
  /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/[a-z]))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?(\/.*)?$/;

/** Verbs no one may use, whatever RBAC says, as `patch deployments`; `create pods/eviction`. */
export type Denied = ReadonlySet<string>;

/** What decides who may do what. */
export interface Access {
  readonly caller: Caller;
  readonly denied: Denied;
  readonly tokens: Tokens;
}

/** One request to the API, done and answered; throws a `Refusal`. Knows the paths of `coverage.ts` and no others. */
export function answer(
  store: ObjectStore,
  asked: Asked,
  access: Access,
  proxy: (pod: Thing, path: string) => Promise<unknown>,
): Answer | Promise<Answer> {
  if (asked.path === "/version") return { code: 200, body: { major: "1", minor: "33", gitVersion: "v1.33.0" } };
  if (asked.path === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") return review(store, asked, access);
  if (asked.method === "GET" && isBase(asked.path)) return discovery(store, asked.path);
  const [, base = "", namespace, plural = "", name, sub, rest] = PATH.exec(asked.path) ?? [];
  const kind = kindAt(kindsOf(store), base, plural);
  if (!kind) throw new Refusal("NotFound", "the server could not find the requested resource", 404);
  refuseForbidden(store, access, {
    verb: verbOf(asked, name),
    group: groupOf(kind),
    resource: sub === undefined ? kind.plural : `${kind.plural}/${sub}`,
    namespace: kind.plural === "namespaces" ? name : namespace,
    name,
  });
  if (kind.plural === "services" && sub === "proxy")
    return throughService(store, namespace, name ?? "", rest ?? "/", proxy);
  const dry = asked.query.get("dryRun") === "All";
  if (name === undefined) return collection(store, kind, namespace, asked, dry);
  if (sub === "eviction") return evict(store, namespace, name, asked, dry);
  if (sub === "token" && kind.plural === "serviceaccounts")
    return { code: 201, body: access.tokens.give(store, namespace ?? "", name) };
  if (sub === "scale") return scale(store, kind, namespace, name, asked, dry);
  if (sub !== undefined && sub !== "status")
    throw new Refusal("NotFound", "the server could not find the requested resource", 404);
  if (isApply(asked) && !store.find(kind, namespace, name))
    refuseForbidden(store, access, { verb: "create", group: groupOf(kind), resource: kind.plural, namespace, name });
  return single(store, kind, namespace, name, asked, dry);
}

function isApply({ method, contentType }: Asked): boolean {
  return method === "PATCH" && contentType.startsWith("application/apply-patch+yaml");
}

function kindsOf(store: ObjectStore): readonly Kind[] {
  return [...KINDS, ...store.list(kindNamed("customresourcedefinitions")).flatMap(definedBy)];
}

/** What the group and version at this path holds. */
function discovery(store: ObjectStore, base: string): Answer {
  const resources = kindsOf(store)
    .filter((kind) => kind.base === base)
    .map(({ plural: name, kind, namespaced }) => ({ name, kind, namespaced }));
  if (resources.length === 0) throw new Refusal("NotFound", "the server could not find the requested resource", 404);
  const groupVersion = base.replace(/^\/apis?\//, "");
  return { code: 200, body: { kind: "APIResourceList", groupVersion, resources } };
}

function isBase(path: string): boolean {
  return /^\/api\/v1$|^\/apis\/[^/]+\/[^/]+$/.test(path);
}

function verbOf({ method }: Asked, name: string | undefined): string {
  const verbs: Record<string, string> = { POST: "create", PATCH: "patch", PUT: "update", DELETE: "delete" };
  return verbs[method] ?? (name === undefined ? "list" : "get");
}

function refuseForbidden(store: ObjectStore, access: Access, request: Request): void {
  if (!isAllowed(store, access, request)) throw forbidden(access.caller, request);
}

function isAllowed(store: ObjectStore, { caller, denied }: Access, request: Request): boolean {
  return !denied.has(`${request.verb} ${request.resource}`) && allows(store, caller, request);
}

function review(store: ObjectStore, { body }: Asked, access: Access): Answer {
  const { spec } = body as { spec: { resourceAttributes: Attributes } };
  const { verb = "", group = "", resource = "", subresource, namespace, name } = spec.resourceAttributes;
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  const allowed = isAllowed(store, access, { verb, group, resource: whole, namespace, name });
  return { code: 201, body: { ...(body as Tree), status: { allowed } } };
}

interface Attributes {
  readonly verb?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

function collection(store: ObjectStore, kind: Kind, namespace: string | undefined, asked: Asked, dry: boolean): Answer {
  if (asked.method === "POST") {
    const draft = asked.body as Draft;
    if (kind.namespaced && namespace === undefined)
      throw new Refusal("MethodNotAllowed", "a namespace is needed to create", 405);
    insistOnNamespace(store, kind, namespace);
    return { code: 201, body: store.create(kind, namespace, draft, dry) };
  }
  if (asked.method !== "GET")
    throw new Refusal("MethodNotAllowed", "the server does not allow this method on the requested resource", 405);
  const items = store
    .list(kind, namespace, asked.query.get("labelSelector"))
    .filter((thing) => hasField(thing, asked.query.get("fieldSelector")));
  return {
    code: 200,
    body: {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata: { resourceVersion: store.resourceVersion() },
      // The list says what they are; they don't say it again.
      items: items.map(({ apiVersion: _v, kind: _k, ...item }) => item),
    },
  };
}

/** Also of a dry run: nothing can be made in a namespace that is not there. */
function insistOnNamespace(store: ObjectStore, { namespaced }: Kind, namespace: string | undefined): void {
  const namespaces = kindNamed("namespaces");
  if (namespaced && !store.find(namespaces, undefined, namespace ?? "")) throw notFound("namespaces", namespace ?? "");
}

function hasField(thing: Thing, selector: string | null): boolean {
  if (!selector) return true;
  return selector.split(",").every((one) => {
    const [path = "", value] = one.split(/==?/);
    return leafAt(thing, path) === value;
  });
}

function single(
  store: ObjectStore,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  asked: Asked,
  dry: boolean,
): Answer {
  if (isApply(asked)) return applied(store, kind, namespace, name, asked, dry);
  const current = store.get(kind, namespace, name);
  switch (asked.method) {
    case "GET":
      return { code: 200, body: current };
    case "DELETE":
      insistOnUid(current, (asked.body as Options | null)?.preconditions?.uid);
      if (!dry) kind.plural === "pods" ? terminate(store, current) : store.remove(kind, current);
      return { code: 200, body: { kind: "Status", apiVersion: "v1", status: "Success", metadata: {} } };
    case "PUT":
      return { code: 200, body: store.write(kind, placed(asked.body as Thing, current), dry) };
    case "PATCH": {
      const next = patched(asked.contentType, current, asked.body) as Thing;
      return { code: 200, body: store.write(kind, placed(next, current), dry) };
    }
    default:
      throw new Refusal("MethodNotAllowed", "the server does not allow this method on the requested resource", 405);
  }
}

/** In the namespace of the URL, and of the name that it has there. */
function placed(next: Thing, { metadata: { name, namespace } }: Thing): Thing {
  insistOnName(next, name);
  return { ...next, metadata: { ...next.metadata, ...(namespace !== undefined && { namespace }) } };
}

function insistOnName({ metadata }: Draft, name: string): void {
  if (metadata.name === name) return;
  const what = `the name of the object (${metadata.name}) does not match the name on the URL (${name})`;
  throw new Refusal("BadRequest", what, 400);
}

/** Server-side apply: a field another manager applied may only be changed by force. */
function applied(
  store: ObjectStore,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  asked: Asked,
  dry: boolean,
): Answer {
  const manager = asked.query.get("fieldManager");
  if (!manager) throw new Refusal("BadRequest", "fieldManager is required for apply patch", 400);
  insistOnName(asked.body as Draft, name);
  const { metadata, apiVersion: _v, kind: _k, ...rest } = asked.body as Draft;
  insistOnSchema(kind, name, Object.keys(rest));
  const { labels, annotations } = metadata;
  const labelled = { ...(labels && { labels }), ...(annotations && { annotations }) };
  const fields = leaves({ metadata: labelled, ...rest });
  const managed = { manager, operation: "Apply" as const, fields };
  const current = store.find(kind, namespace, name);
  if (!current) {
    insistOnNamespace(store, kind, namespace);
    const draft = { ...(asked.body as Draft), metadata: { ...metadata, managedFields: [managed] } };
    return { code: 201, body: store.create(kind, namespace, draft, dry) };
  }
  const others = (current.metadata.managedFields ?? []).filter((one) => one.manager !== manager);
  const taken = fields.filter(
    (path) =>
      others.some((one) => one.fields.includes(path)) &&
      leafAt(current, path) !== leafAt({ metadata: labelled, ...rest }, path),
  );
  if (taken.length > 0 && asked.query.get("force") !== "true") {
    const who = others.map((one) => one.manager).join(", ");
    throw new Refusal(
      "Conflict",
      `Apply failed with ${taken.length} conflict: conflict with "${who}": .${taken.join(", .")}`,
      409,
    );
  }
  const kept = others.map((one) => ({ ...one, fields: one.fields.filter((path) => !taken.includes(path)) }));
  const next = merged(current, { metadata: labelled, ...rest }) as Thing;
  next.metadata.managedFields = [...kept, managed];
  return { code: 200, body: store.write(kind, next, dry) };
}

/** What a manifest may say beside its metadata, of the kinds that are held to it. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: ["data", "binaryData", "immutable"],
  Deployment: ["spec", "status"],
};

/** Of the first level only. With 500 and no reason, as Kubernetes 1.36.3 says it. */
function insistOnSchema(kind: Kind, name: string, fields: readonly string[]): void {
  const unknown = fields.find((one) => FIELDS[kind.kind]?.includes(one) === false);
  if (unknown === undefined) return;
  const where = `/${name}; ${kind.base === "/api/v1" ? "/v1" : apiVersionOf(kind)}, Kind=${kind.kind}`;
  const what = `failed to create typed patch object (${where}): .${unknown}: field not declared in schema`;
  throw new Refusal("", what, 500);
}

function scale(
  store: ObjectStore,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  asked: Asked,
  dry: boolean,
): Answer {
  // A count of 0 is left out, as Kubernetes leaves it out.
  const countOf = (replicas: unknown) => (replicas === 0 ? {} : { replicas: replicas ?? 1 });
  const scaleOf = ({ metadata, spec, status }: Thing): Tree => ({
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
    spec: countOf(spec?.replicas),
    status: { replicas: status?.replicas ?? 0 },
  });
  const current = store.get(kind, namespace, name);
  if (asked.method === "GET") return { code: 200, body: scaleOf(current) };
  if (asked.method !== "PATCH")
    throw new Refusal("MethodNotAllowed", "only GET and PATCH of scale are known here", 405);
  const next = patched(asked.contentType, scaleOf(current), asked.body) as unknown as Thing;
  const { resourceVersion } = next.metadata;
  const metadata = { ...current.metadata, resourceVersion };
  const spec = { ...current.spec, replicas: next.spec?.replicas ?? 0 };
  const written = store.write(kind, { ...current, metadata, spec }, dry);
  return { code: 200, body: scaleOf(written) };
}

interface Options {
  readonly preconditions?: { readonly uid?: string };
}

function insistOnUid({ metadata }: Thing, uid: string | undefined): void {
  if (uid === undefined || uid === metadata.uid) return;
  const what = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
  throw new Refusal("Conflict", what, 409);
}

function evict(store: ObjectStore, namespace: string | undefined, name: string, asked: Asked, dry: boolean): Answer {
  const pods = kindNamed("pods");
  const pod = store.get(pods, namespace, name);
  insistOnUid(pod, (asked.body as { deleteOptions?: Options }).deleteOptions?.preconditions?.uid);
  const blocking = store
    .list(kindNamed("poddisruptionbudgets"), namespace)
    .filter((one) =>
      hasLabels((one.spec?.selector as { matchLabels?: Record<string, string> })?.matchLabels, pod.metadata.labels),
    )
    .find((one) => budgetOf(store, one).disruptionsAllowed === 0);
  if (blocking) {
    throw new Refusal("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", 429, {
      causes: [
        { reason: "DisruptionBudget", message: `The disruption budget ${blocking.metadata.name} does not allow it` },
      ],
    });
  }
  if (!dry) terminate(store, pod);
  return { code: 201, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 } };
}

async function throughService(
  store: ObjectStore,
  namespace: string | undefined,
  named: string,
  path: string,
  proxy: (pod: Thing, path: string) => Promise<unknown>,
): Promise<Answer> {
  const [name = ""] = named.split(":");
  const service = store.find(kindNamed("services"), namespace, name);
  if (!service) throw notFound("services", name);
  const pods = store
    .list(kindNamed("pods"), namespace)
    .filter((pod) => hasLabels(service.spec?.selector as Record<string, string> | undefined, pod.metadata.labels))
    .filter((pod) => pod.status?.phase === "Running");
  const pod = pods[0];
  if (!pod) throw new Refusal("ServiceUnavailable", `no endpoints available for service "${name}"`, 503);
  return { code: 200, body: await proxy(pod, path) };
}
