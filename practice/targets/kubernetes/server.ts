import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { requestUrl } from "../../../src/lib/request-url.ts";
import { createFaults, type FaultKind, type FaultSwitches, hadEffect, meet } from "../../kit/faults.ts";
import { listening } from "../../kit/listening.ts";
import { Refusal } from "../../kit/refusal.ts";
import { type Answer, type Asked, answer } from "./api.ts";
import { createControllers } from "./controllers.ts";
import { kindNamed } from "./kinds.ts";
import { type Containers, createKubelet, isReady, isTerminating, type Pace } from "./pods.ts";
import { ADMIN, type Caller, createTokens } from "./rbac.ts";
import { statusBody } from "./refusal.ts";
import { createStore, type ObjectStore } from "./store.ts";
import type { Draft, Thing } from "./thing.ts";
import { createVelero } from "./velero.ts";

/** One request that reached the server, answered or not. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  /** `User-Agent`: the audit log's, and up to a slash the owner of the fields that are written. */
  readonly agent: string | null;
  readonly body: unknown;
  /** Neither a read, nor a dry run, nor a question about permissions. */
  readonly write: boolean;
  /** What was answered; null when nothing was. */
  code: number | null;
  fault: FaultKind | null;
  /** It had its effect, whatever was answered. */
  done: boolean;
}

/** A cluster on this machine: an API server, its controllers, and pods that really answer. */
export interface PracticeCluster {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** Uid of its `kube-system` namespace: who it is. */
  readonly uid: string;
  readonly faults: FaultSwitches;
  readonly ledger: readonly Seen[];
  /** Verbs no one may use, whatever RBAC says, as `patch deployments`. */
  readonly denied: Set<string>;
  /** A token of a service account that is there: who has it may what RBAC says. */
  login(namespace: string, account: string): string;
  writes(): readonly Seen[];
  forget(): void;
  /** What a person with kubectl does, past the ledger; makes the namespace, too. */
  put(plural: string, namespace: string | undefined, draft: Draft): Thing;
  get(plural: string, namespace: string | undefined, name: string): Thing | undefined;
  list(plural: string, namespace?: string): readonly Thing[];
  edit(plural: string, namespace: string | undefined, name: string, change: (thing: Thing) => void): Thing;
  remove(plural: string, namespace: string | undefined, name: string): void;
  /** Where ready pods with this label listen: what a load balancer in front of the cluster sends requests to. */
  listeners(namespace: string, label: readonly [string, string]): readonly string[];
  /** How long pods may go on after they were deleted, in practised seconds; from now on, those in progress too. */
  setGrace(seconds: number): void;
  /** The next restore fails on this many items. */
  failItems(count: number): void;
  close(): Promise<void>;
}

export interface ClusterOptions {
  readonly name: string;
  /** `node-1`, or with its zone `node-1@zone-a`. */
  readonly nodes?: readonly string[];
  readonly pace?: Partial<Pace>;
  /** What pods run; left out, each answers everything with who it is. */
  readonly containers?: Containers;
  /** How often its controllers look; 15 if left out. */
  readonly beatMilliseconds?: number;
}

const BEAT_MS = 15;
const BODY_BYTES_MAX = 1024 * 1024;

export async function createCluster({
  name,
  nodes = ["node-1", "node-2"],
  pace = {},
  containers,
  beatMilliseconds = BEAT_MS,
}: ClusterOptions): Promise<PracticeCluster> {
  const store = createStore();
  const speed: Pace & { podStopSeconds: number } = {
    podStartSeconds: 10,
    podStopSeconds: 5,
    jobSeconds: 10,
    veleroSeconds: 20,
    timeScale: 100,
    ...pace,
  };
  const kubelet = createKubelet(store, speed, containers);
  const controllers = createControllers(store, kubelet, speed);
  const velero = createVelero(store, speed);
  const faults = createFaults();
  const ledger: Seen[] = [];
  const denied = new Set<string>();
  const tokens = createTokens();
  const token = randomBytes(16).toString("hex");
  const system = store.create(kindNamed("namespaces"), undefined, { metadata: { name: "kube-system" } });
  for (const node of nodes) populate(store, node);

  const proxy = async (pod: Thing, path: string) => {
    const port = kubelet.portOf(pod);
    if (port === null) throw new Refusal("ServiceUnavailable", `error trying to reach service: no listener`, 503);
    return await (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = await read(request);
    const agent = request.headers["user-agent"] ?? null;
    const seen: Seen = { ...asked, agent, write: isWrite(asked), code: null, fault: null, done: false };
    ledger.push(seen);
    const fault = faults.take(seen.write);
    seen.fault = fault?.kind ?? null;
    const reply = (code: number, body: unknown, headers: Record<string, string> = {}) => {
      seen.code = code;
      response.writeHead(code, { "content-type": "application/json", "audit-id": randomUUID(), ...headers });
      response.end(JSON.stringify(body));
    };
    await meet(fault, response, {
      dropped: () => {},
      refuse(why) {
        if (why !== "throttle") {
          const says = "Internal error occurred: etcdserver: request timed out";
          return reply(500, statusBody(500, "InternalError", says, {}));
        }
        const says = "too many requests, please try again later";
        reply(429, statusBody(429, "TooManyRequests", says, { retryAfterSeconds: 1 }), { "retry-after": "1" });
      },
      async perform(happens) {
        const caller = callerOf(request.headers.authorization);
        const done = caller
          ? await perform(asked, caller, !happens)
          : { code: 401, body: statusBody(401, "Unauthorized", "Unauthorized", {}) };
        seen.done = hadEffect(seen.fault, done.code);
        return () => reply(done.code, done.body);
      },
    });
  };
  const callerOf = (authorization = ""): Caller | null =>
    authorization === `Bearer ${token}` ? ADMIN : tokens.callerOf(authorization.replace(/^Bearer /, ""));
  /** A lie is told by doing it as a dry run. */
  const perform = async (asked: Asked, caller: Caller, lie: boolean): Promise<Answer> => {
    const query = new URLSearchParams(asked.query);
    if (lie) query.set("dryRun", "All");
    try {
      return await answer(store, { ...asked, query }, { caller, denied, tokens }, proxy);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { code: error.status, body: statusBody(error.status, error.code, error.message, error.details) };
    }
  };
  const server = await listening((request, response) =>
    serve(request, response).catch((error) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify(statusBody(500, "InternalError", String(error), {})));
    }),
  );
  const beat = setInterval(() => {
    controllers.tick();
    velero.tick();
  }, beatMilliseconds);
  const get = (plural: string, namespace: string | undefined, one: string) =>
    store.find(kindNamed(plural), namespace, one);
  return {
    name,
    url: server.url,
    token,
    uid: system.metadata.uid,
    faults,
    ledger,
    denied,
    login: (namespace, account) => String(tokens.give(store, namespace, account).status?.token),
    writes: () => ledger.filter((one) => one.write),
    forget() {
      ledger.length = 0;
    },
    put(plural, namespace, draft) {
      const namespaces = kindNamed("namespaces");
      if (namespace !== undefined && !store.find(namespaces, undefined, namespace)) {
        store.create(namespaces, undefined, { metadata: { name: namespace } });
      }
      return store.create(kindNamed(plural), namespace, draft);
    },
    get,
    list: (plural, namespace) => store.list(kindNamed(plural), namespace),
    edit(plural, namespace, one, change) {
      const thing = store.get(kindNamed(plural), namespace, one);
      change(thing);
      return store.write(kindNamed(plural), thing);
    },
    remove(plural, namespace, one) {
      store.remove(kindNamed(plural), store.get(kindNamed(plural), namespace, one));
    },
    listeners: (namespace, [key, value]) =>
      store
        .list(kindNamed("pods"), namespace)
        .filter((pod) => pod.metadata.labels?.[key] === value && isReady(pod) && !isTerminating(pod))
        .flatMap((pod) => {
          const port = kubelet.portOf(pod);
          return port === null ? [] : [`http://127.0.0.1:${port}`];
        }),
    setGrace(seconds) {
      speed.podStopSeconds = seconds;
    },
    failItems: (count) => velero.failItems(count),
    async close() {
      clearInterval(beat);
      await Promise.all([server.close(), kubelet.close()]);
    },
  };
}

/** `node-1@zone-a`: a node in that zone. */
function populate(store: ObjectStore, written: string): void {
  const [name = "", zone] = written.split("@");
  const labels = zone === undefined ? {} : { "topology.kubernetes.io/zone": zone };
  const status = { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }] };
  store.create(kindNamed("nodes"), undefined, { metadata: { name, labels }, spec: {}, status });
}

function isWrite({ method, path, query }: Asked): boolean {
  if (method === "GET" || query.get("dryRun") === "All") return false;
  return !path.endsWith("/selfsubjectaccessreviews");
}

async function read(request: IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > BODY_BYTES_MAX) throw new Refusal("RequestEntityTooLarge", "limit is 1 MiB", 413);
    parts.push(part as Buffer);
  }
  const { pathname, searchParams } = requestUrl(request);
  const text = Buffer.concat(parts).toString("utf8");
  return {
    method: request.method ?? "GET",
    path: decodeURIComponent(pathname),
    query: searchParams,
    contentType: request.headers["content-type"] ?? "",
    body: text === "" ? null : JSON.parse(text),
  };
}
