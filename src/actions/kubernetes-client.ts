import { existsSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig, RequestContext } from "@kubernetes/client-node";
import { z } from "zod";
import { allowedAddresses, kindOfAddress } from "../lib/address.ts";
import { hashOf } from "../lib/canonical.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Check, ReadContext } from "./contract.ts";
import { type ClusterPermission, changesAmong, type Permission } from "./permission.ts";

/** A cluster as a runbook names it. No credential is here: `kubeconfigFrom` names a secret. */
export const clusterInput = z.strictObject({
  /** The secret is a kubeconfig, or the path of one. */
  kubeconfigFrom: z.string().min(1),
  /** Always named: the kubeconfig's own current context is no one's decision. */
  context: z.string().min(1),
  namespace: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
  /** `kubectl get namespace kube-system -o jsonpath={.metadata.uid}`: a context may be pointed elsewhere, this can't. */
  clusterUid: z.uuid(),
});
export type ClusterTarget = z.infer<typeof clusterInput>;

export const dnsName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);

export type PatchKind = "merge" | "strategic-merge" | "json" | "apply";
export type JsonOp = {
  readonly op: "test" | "replace" | "add" | "remove";
  readonly path: string;
  readonly value?: unknown;
};
type Query = Readonly<Record<string, string>>;

/** What the actions need of an API server, and no more. Answers are the plain JSON of the API. */
export interface Cluster {
  get<T>(path: string): Promise<T>;
  /** The items of a list. */
  list<T>(path: string, query?: Query): Promise<readonly T[]>;
  /** Sent once, never again by itself. */
  patch<T>(path: string, kind: PatchKind, body: unknown, query?: Query): Promise<T>;
  create<T>(path: string, body: unknown, query?: Query): Promise<T>;
  /** Deletes exactly the object with this uid; what it owns goes with it. */
  remove(path: string, uid: string): Promise<void>;
}

const CALL_SECONDS = 5;
const READ_TRIES = 4;

/** The API server answered, and refused. Whether the request took effect is known: it did not, unless the code is 5xx. */
export class ApiRefusal extends LifeboatError {
  readonly status: number;
  readonly causes: readonly string[];

  constructor(where: string, status: number, message: string, causes: readonly string[]) {
    super({ code: `kubernetes-${status}`, where, what: `The API server answered ${status}: ${message}` });
    this.status = status;
    this.causes = causes;
  }
}

export function statusOf(error: unknown): number | null {
  return error instanceof ApiRefusal ? error.status : null;
}

/** Stands in the API server's audit log, and in `managedFields` as the owner of what is patched or created. */
const AGENT = "lifeboat";

export const loadKubernetes = () => import("@kubernetes/client-node");

/**
 * Opens the plan's cluster: its context, and behind that context the cluster with the plan's uid, or nothing.
 * Every call has a deadline of its own. Plain HTTP is for this machine in practice; certificates are always checked elsewhere.
 */
export async function openCluster(ctx: ReadContext, target: ClusterTarget): Promise<Cluster> {
  const sdk = await loadKubernetes();
  const config = await configOf(ctx, target, () => new sdk.KubeConfig());
  await logIn(ctx, target, config);
  const server = config.getCurrentCluster()?.server ?? "";
  const addresses = await addressesOf(ctx, target, server, config);
  const library = new sdk.IsomorphicFetchHttpLibrary();

  const call = <T>(method: string, path: string, query: Query = {}, body?: unknown, type = "application/json") =>
    withDeadline(
      `${target.context} (${method} ${path})`,
      CALL_SECONDS,
      async (signal) => {
        const url = new URL(server.replace(/\/$/, "") + path);
        for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
        const request = new sdk.RequestContext(url.href, method as never);
        request.setHeaderParam("Accept", "application/json");
        request.setHeaderParam("User-Agent", AGENT);
        if (body !== undefined) {
          request.setHeaderParam("Content-Type", type);
          request.setBody(JSON.stringify(body));
        }
        request.setSignal(signal);
        await config.applySecurityAuthentication(request);
        pin(request, addresses);
        const response = await library.send(request).toPromise();
        return understood<T>(target, response.httpStatusCode, await response.body.text());
      },
      ctx.signal,
    );
  const read = async <T>(path: string, query: Query = {}): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await call<T>("GET", path, query);
      } catch (error) {
        if (statusOf(error) !== 429 || tries === READ_TRIES) throw error;
        await sleep(250 * tries, undefined, { signal: ctx.signal });
      }
    }
  };
  const cluster: Cluster = {
    get: (path) => read(path),
    list: async <T>(path: string, query: Query = {}) => (await read<{ items: readonly T[] }>(path, query)).items,
    patch: (path, kind, body, query) =>
      call(
        "PATCH",
        path,
        query,
        body,
        kind === "apply" ? "application/apply-patch+yaml" : `application/${kind}-patch+json`,
      ),
    create: (path, body, query) => call("POST", path, query, body),
    async remove(path, uid) {
      const options = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: "Background",
        preconditions: { uid },
      };
      await call("DELETE", path, {}, options);
    },
  };
  await refuseOther(cluster, target);
  return cluster;
}

/** One for each kubeconfig and context: a config keeps what its login program (EKS, GKE) gave it until that expires. */
const configs = new Map<string, KubeConfig>();
const CONFIGS_MAX = 50;

async function configOf(ctx: ReadContext, target: ClusterTarget, create: () => KubeConfig): Promise<KubeConfig> {
  const given = ctx.secret(target.kubeconfigFrom);
  const path = !given.includes("\n") && existsSync(given) ? given : null;
  const key = hashOf([path === null ? given : [path, statSync(path).mtimeMs], target.context, ctx.practice]);
  const known = configs.get(key);
  if (known) return known;
  const config = create();
  try {
    if (path !== null) config.loadFromFile(path);
    else config.loadFromString(given);
  } catch {
    // What was thrown may quote the kubeconfig.
    throw refused(target, "kubeconfig-unreadable", `${target.kubeconfigFrom} holds no kubeconfig`);
  }
  if (!config.getContextObject(target.context)) {
    throw refused(target, "context-unknown", `The kubeconfig has no context "${target.context}"`);
  }
  config.setCurrentContext(target.context);
  const user = config.getCurrentUser();
  if (ctx.practice && (user?.exec || user?.authProvider)) {
    throw refused(target, "kubeconfig-runs-programs", "In practice a kubeconfig may not run a program to log in");
  }
  if (configs.size >= CONFIGS_MAX) configs.clear();
  configs.set(key, config);
  return config;
}

const LOGIN_SECONDS = 20;

/** Runs the program that logs in, if there is one, before the deadlines of calls begin: it asks its cloud first. */
async function logIn(ctx: ReadContext, target: ClusterTarget, config: KubeConfig): Promise<void> {
  const command = (config.getCurrentUser()?.exec as { command?: string } | undefined)?.command;
  if (command === undefined) return;
  try {
    await withDeadline(
      `${target.context} (${command})`,
      LOGIN_SECONDS,
      () => config.applyToHTTPSOptions({}),
      ctx.signal,
    );
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof LifeboatError && error.problem.code === "deadline") throw error;
    const why = messageOf(error).trim().split("\n")[0]?.slice(0, 200);
    throw refused(target, "kubeconfig-login", `${command}, which the kubeconfig logs in with, failed (${why})`);
  }
}

async function addressesOf(
  ctx: ReadContext,
  target: ClusterTarget,
  server: string,
  config: KubeConfig,
): Promise<readonly string[]> {
  const { protocol, hostname } = new URL(server);
  const addresses = await allowedAddresses(hostname, { practice: ctx.practice, signal: ctx.signal });
  const local = addresses.length > 0 && addresses.every((address) => kindOfAddress(address) === "loopback");
  if (protocol !== "https:" && !(protocol === "http:" && local && ctx.practice)) {
    throw refused(
      target,
      "server-not-encrypted",
      "Only https:// is spoken to a cluster (http:// to this machine, in practice)",
    );
  }
  if (config.getCurrentCluster()?.skipTLSVerify && !local) {
    throw refused(
      target,
      "server-not-verified",
      "insecure-skip-tls-verify is set, so the server that answers isn't verified",
    );
  }
  return addresses;
}

/** Connects to an address that was judged, and does not ask the name again. */
function pin(request: RequestContext, [address]: readonly string[]): void {
  const agent = request.getAgent() as { options?: object } | undefined;
  if (!agent?.options || address === undefined) return;
  const family = address.includes(":") ? 6 : 4;
  Object.assign(agent.options, {
    lookup: (
      _host: string,
      options: { all?: boolean },
      back: (error: null, found: unknown, family?: number) => void,
    ) => (options.all ? back(null, [{ address, family }]) : back(null, address, family)),
  });
}

function understood<T>(target: ClusterTarget, status: number, text: string): T {
  if (status >= 200 && status < 300) return JSON.parse(text) as T;
  let message = text.slice(0, 300);
  let causes: readonly string[] = [];
  try {
    const body = JSON.parse(text) as { message?: string; details?: { causes?: readonly { reason?: string }[] } };
    message = body.message ?? message;
    causes = (body.details?.causes ?? []).map(({ reason }) => reason ?? "");
  } catch {
    // A proxy in between answered; its text is the message.
  }
  throw new ApiRefusal(target.context, status, message, causes);
}

async function refuseOther(cluster: Cluster, target: ClusterTarget): Promise<void> {
  const system = await cluster.get<{ metadata: { uid: string } }>("/api/v1/namespaces/kube-system");
  if (system.metadata.uid === target.clusterUid) return;
  const what = `Context ${target.context} leads to cluster ${system.metadata.uid}, and the plan is for ${target.clusterUid}`;
  throw refused(target, "other-cluster", what);
}

function refused({ context }: ClusterTarget, code: string, what: string): LifeboatError {
  return new LifeboatError({ code, where: context, what, stateNow: "Nothing was asked of it or changed in it" });
}

/** Why nothing is known: no one there, someone there who would not let us in, or not the plan's cluster. */
export interface NoLook {
  readonly answers: false;
  readonly kind: "unreachable" | "refused" | "other";
  readonly why: string;
}
export type Look<T> = NoLook | ({ readonly answers: true; readonly mayNot: readonly string[] } & T);

/**
 * One look, with what the login lacks of what is to be changed. That a cluster is down or refuses us is an observation, not an error.
 *
 * @param needs what the action declares (`permissions.ts`): only its changes are asked about
 */
export async function lookAtCluster<T extends object>(
  ctx: ReadContext,
  target: ClusterTarget,
  needs: readonly Permission[],
  look: (cluster: Cluster) => Promise<T>,
): Promise<Look<T>> {
  try {
    const cluster = await openCluster(ctx, target);
    const changes = changesAmong(needs).filter(({ context }) => context === target.context);
    const [seen, lacking] = await Promise.all([look(cluster), Promise.all(changes.map((one) => lackOf(cluster, one)))]);
    return { ...seen, answers: true, mayNot: lacking.flat() };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answers: false, ...asNoLook(error) };
  }
}

/**
 * What of it the login may not, as a person says it. RBAC that allows some names (`resourceNames`) says no to a question without a name, so
 * each name is asked about then.
 */
async function lackOf(cluster: Cluster, permission: ClusterPermission): Promise<readonly string[]> {
  const { names } = permission;
  if (await isAllowed(cluster, permission, null)) return [];
  if (names === null) return [sayRight(permission, null)];
  const allowed = await Promise.all(names.map((name) => isAllowed(cluster, permission, name)));
  return names.filter((_, i) => !allowed[i]).map((name) => sayRight(permission, name));
}

async function isAllowed(
  cluster: Cluster,
  { verb, group, resource: whole, namespace }: ClusterPermission,
  name: string | null,
): Promise<boolean> {
  const [resource, subresource] = whole.split("/");
  const resourceAttributes = {
    verb,
    group,
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== null && { namespace }),
    ...(name !== null && { name }),
  };
  const review = await cluster.create<{ status?: { allowed?: boolean } }>(
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: { resourceAttributes } },
  );
  return review.status?.allowed === true;
}

/** `patch deployments.apps api`, `create pods/eviction`, as kubectl auth can-i takes it. */
function sayRight({ verb, group, resource: whole }: ClusterPermission, name: string | null): string {
  const [resource = "", subresource] = whole.split("/");
  const what = `${resource}${group === "" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
  return `${verb} ${what}${name === null ? "" : ` ${name}`}`;
}

const OTHER = /^(other-cluster|context-unknown|kubeconfig-|server-not-|address-)/;

function asNoLook(error: unknown): Omit<NoLook, "answers"> {
  if (error instanceof ApiRefusal) {
    if (error.status === 401 || error.status === 403) return { kind: "refused", why: error.problem.what };
    if (error.status >= 500 || error.status === 429) return { kind: "unreachable", why: error.problem.what };
    throw error;
  }
  if (error instanceof LifeboatError) {
    if (error.problem.code === "deadline") return { kind: "unreachable", why: error.problem.what };
    if (OTHER.test(error.problem.code)) return { kind: "other", why: error.problem.what };
    throw error;
  }
  if (isConnection(error)) return { kind: "unreachable", why: messageOf(error) };
  throw error;
}

function isConnection(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code ?? "");
  return /^(E[A-Z_]{4,}|UND_ERR|ERR_TLS|CERT_|DEPTH_|UNABLE_)/.test(code) || /socket hang up/.test(messageOf(error));
}

/** The checks every step on a cluster begins with. */
export function clusterChecks(seen: Look<object>, { context, clusterUid }: ClusterTarget): readonly Check[] {
  if (!seen.answers) {
    const silent = `${context} ${seen.kind === "refused" ? "did not let us in" : "does not answer"}: ${seen.why}.`;
    const not = { id: "cluster.answers", level: "block", ok: false } as const;
    return seen.kind === "other"
      ? [{ ...not, says: `${seen.why}.`, next: "Correct the kubeconfig or the system's catalogue." }]
      : [{ ...not, says: silent }];
  }
  const lacks = seen.mayNot.join(", ");
  return [
    { id: "cluster.answers", level: "block", ok: true, says: `${context} is cluster ${clusterUid} and answers.` },
    {
      id: "cluster.permitted",
      level: "block",
      ok: lacks === "",
      says: lacks === "" ? "The login may do this." : `The login may not ${lacks}.`,
      next: "Grant it (see the README).",
    },
  ];
}

export function answersFact(seen: Look<object>, { context }: ClusterTarget) {
  return { id: "clusterAnswers", label: `${context} answers`, value: seen.answers, material: true } as const;
}

/** What a step holds: one run at a time changes a namespace, and one a node. */
export function namespaceResource({ clusterUid, namespace }: ClusterTarget): string {
  return `kubernetes:${clusterUid}/${namespace}`;
}
