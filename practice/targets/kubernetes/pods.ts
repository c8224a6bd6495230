import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { kindNamed } from "./kinds.ts";
import { hasLabels } from "./selector.ts";
import type { ObjectStore } from "./store.ts";
import { ownedBy, ownerOf, type PodTemplate, stamp, type Thing } from "./thing.ts";

/** Seconds of the practised world; the time scale makes them short. */
export interface Pace {
  /** From being scheduled to being ready. */
  readonly podStartSeconds: number;
  /** From being deleted to being gone: it still runs, and its object is still listed with a deletion timestamp. */
  readonly podStopSeconds: number;
  readonly jobSeconds: number;
  readonly veleroSeconds: number;
  /** How many practised seconds pass in a real one. */
  readonly timeScale: number;
}

const pods = kindNamed("pods");
const nodes = kindNamed("nodes");
const quotas = kindNamed("resourcequotas");
const policies = kindNamed("networkpolicies");

/** What the scheduler and the kubelet do: pods get a node, and a listener that answers HTTP while they are ready. */
export interface Kubelet {
  /** Keeps `count` pods of a template for their owner. Why the API server refuses one more; null: it does not. */
  keep(owner: Thing, template: PodTemplate, count: number): string | null;
  /** True while a pod waits to be started. */
  tick(): boolean;
  /** The port on which a ready pod listens. */
  portOf(pod: Thing): number | null;
  close(): Promise<void>;
}

/** What a container runs: made when its pod starts, so that it reads its configuration then and not later. Null: the usual. */
export type Containers = (pod: Thing) => RequestListener | null;

export function createKubelet(store: ObjectStore, pace: Pace, containers: Containers = () => null): Kubelet {
  const listeners = new Map<string, Server>();
  const born = new Map<string, number>();
  const dying = new Map<string, number>();
  return {
    keep(owner, template, count) {
      const mine = store
        .list(pods, owner.metadata.namespace)
        .filter((pod) => ownedBy(pod, owner) && !isTerminating(pod));
      let refusal: string | null = null;
      for (let missing = count - mine.length; missing > 0; missing--) {
        refusal = overQuota(store, owner);
        if (refusal !== null) break;
        const pod = store.create(pods, owner.metadata.namespace, {
          metadata: {
            generateName: `${owner.metadata.name}-`,
            labels: { ...template.metadata?.labels, ...podHash(owner) },
            ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
            ownerReferences: [ownerOf(owner)],
          },
          spec: { ...template.spec },
          status: { phase: "Pending", conditions: [{ type: "Ready", status: "False" }] },
        });
        born.set(pod.metadata.uid, performance.now());
      }
      for (const pod of mine.slice(count)) terminate(store, pod);
      return refusal;
    },
    tick() {
      for (const pod of store.list(pods)) if (isTerminating(pod) && isOver(pod)) store.remove(pods, pod);
      const all = store.list(pods);
      for (const pod of all) {
        if (isTerminating(pod)) continue;
        if (!pod.spec?.nodeName) schedule(store, pod);
        else if (isDue(pod)) start(pod);
      }
      const waiting = all.some((pod) => isTerminating(pod) || (!listeners.has(pod.metadata.uid) && !hasStarted(pod)));
      for (const [uid, listener] of listeners) {
        if (all.some((pod) => pod.metadata.uid === uid)) continue;
        listener.close();
        listener.closeAllConnections();
        listeners.delete(uid);
      }
      return waiting;
    },
    portOf(pod) {
      const address = listeners.get(pod.metadata.uid)?.address() as AddressInfo | null | undefined;
      return address?.port ?? null;
    },
    async close() {
      const ended = [...listeners.values()].map(
        (listener) => new Promise((resolve) => listener.close(resolve).closeAllConnections()),
      );
      listeners.clear();
      await Promise.all(ended);
    },
  };

  function isOver(pod: Thing): boolean {
    const { uid } = pod.metadata;
    const since = dying.get(uid) ?? dying.set(uid, performance.now()).get(uid) ?? 0;
    return performance.now() - since >= (pace.podStopSeconds * 1000) / pace.timeScale;
  }

  function isDue(pod: Thing): boolean {
    const { uid } = pod.metadata;
    if (listeners.has(uid) || hasStarted(pod)) return false;
    const since = born.get(uid) ?? born.set(uid, performance.now()).get(uid) ?? 0;
    return performance.now() - since >= (pace.podStartSeconds * 1000) / pace.timeScale;
  }

  function start(pod: Thing): void {
    const container = (pod.spec as unknown as PodTemplate["spec"]).containers[0];
    const image = container?.image ?? "";
    if (!isPullable(image)) {
      const waiting = { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}"` };
      store.report(pods, pod, {
        phase: "Pending",
        conditions: [{ type: "Ready", status: "False", reason: "ContainersNotReady" }],
        containerStatuses: [{ name: container?.name, image, ready: false, restartCount: 0, state: { waiting } }],
      });
      return;
    }
    const usual: RequestListener = (request, response) => {
      const about = { status: "healthy", pod: pod.metadata.name, path: request.url, image };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(about));
    };
    const program = containers(pod) ?? usual;
    const listener = createServer((request, response) => {
      if (isIsolated(store, pod)) request.socket.destroy();
      else program(request, response);
    });
    listeners.set(pod.metadata.uid, listener);
    listener.listen(0, "127.0.0.1", () => {
      store.report(pods, pod, {
        phase: "Running",
        podIP: "127.0.0.1",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [
          { name: container?.name, image, ready: true, restartCount: 0, state: { running: { startedAt: stamp() } } },
        ],
      });
    });
  }
}

/** Also a pod whose image can't be pulled: nothing more will come of it. */
function hasStarted(pod: Thing): boolean {
  return (pod.status?.containerStatuses ?? null) !== null;
}

/** An image whose tag is `broken` is in no registry. */
export function isPullable(image: string): boolean {
  return !/:broken\b/.test(image);
}

/** Deleted, and not gone yet: its container is given its grace period. Real controllers no longer count it. */
export function isTerminating(pod: Thing): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** What deleting a pod does; the kubelet removes it once its container has stopped. */
export function terminate(store: ObjectStore, pod: Thing): void {
  const current = store.find(pods, pod.metadata.namespace, pod.metadata.name);
  if (!current || isTerminating(current)) return;
  store.write(pods, { ...current, metadata: { ...current.metadata, deletionTimestamp: stamp() } });
}

export function isReady(pod: Thing): boolean {
  const conditions = (pod.status?.conditions ?? []) as readonly { type: string; status: string }[];
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** A policy that lets nothing in selects it. Packets are dropped there; here the connection is cut, which is as unreachable and sooner known. */
function isIsolated(store: ObjectStore, { metadata }: Thing): boolean {
  return store.list(policies, metadata.namespace).some(({ spec }) => {
    const { podSelector, policyTypes = ["Ingress"], ingress = [] } = spec as unknown as PolicySpec;
    return (
      policyTypes.includes("Ingress") &&
      ingress.length === 0 &&
      hasLabels(podSelector.matchLabels ?? {}, metadata.labels)
    );
  });
}

interface PolicySpec {
  readonly podSelector: { readonly matchLabels?: Record<string, string> };
  readonly policyTypes?: readonly string[];
  readonly ingress?: readonly unknown[];
}

function podHash(owner: Thing): Record<string, string> {
  const hash = owner.metadata.labels?.["pod-template-hash"];
  return hash === undefined ? {} : { "pod-template-hash": hash };
}

/** As the admission of a ResourceQuota of pods says it. */
function overQuota(store: ObjectStore, { metadata: { namespace, name } }: Thing): string | null {
  const used = store.list(pods, namespace).length;
  for (const quota of store.list(quotas, namespace)) {
    const limit = (quota.spec as { hard?: { pods?: string } } | undefined)?.hard?.pods;
    if (limit === undefined || used < Number(limit)) continue;
    const exceeded = `exceeded quota: ${quota.metadata.name}, requested: pods=1, used: pods=${used}, limited: pods=${limit}`;
    return `pods "${name}-" is forbidden: ${exceeded}`;
  }
  return null;
}

interface Allocatable {
  readonly pods?: string;
  readonly cpu?: string;
}

/** `500m` and `2` in thousandths of a CPU. */
function millis(cpu: string | undefined, absent: number): number {
  if (cpu === undefined) return absent;
  return cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000;
}

/** What its containers request. */
function cpuOf({ spec }: Thing): number {
  const { containers = [] } = (spec ?? {}) as {
    containers?: readonly { resources?: { requests?: { cpu?: string } } }[];
  };
  return containers.reduce((sum, { resources }) => sum + millis(resources?.requests?.cpu, 0), 0);
}

/**
 * A node with `status.allocatable` takes no more pods and no more requested CPU than that; a pod that fits nowhere says why, as the scheduler does.
 */
function schedule(store: ObjectStore, pod: Thing): void {
  const all = store.list(nodes);
  const on = (node: Thing) => store.list(pods).filter((one) => one.spec?.nodeName === node.metadata.name);
  const load = (node: Thing) => on(node).length;
  const allocatable = (node: Thing) => (node.status as { allocatable?: Allocatable } | undefined)?.allocatable ?? {};
  const room = (node: Thing) => Number(allocatable(node).pods ?? Number.POSITIVE_INFINITY);
  const cpuLeft = (node: Thing) =>
    millis(allocatable(node).cpu, Number.POSITIVE_INFINITY) - on(node).reduce((sum, one) => sum + cpuOf(one), 0);
  const open = all.filter((node) => node.spec?.unschedulable !== true);
  const roomy = open.filter((node) => load(node) < room(node));
  const free = roomy.filter((node) => cpuOf(pod) === 0 || cpuOf(pod) <= cpuLeft(node));
  const [node] = free.map((one) => ({ one, load: load(one) })).sort((a, b) => a.load - b.load);
  if (node) {
    store.write(pods, { ...pod, spec: { ...pod.spec, nodeName: node.one.metadata.name } });
    return;
  }
  const why = [
    ...(open.length > roomy.length ? [`${open.length - roomy.length} Too many pods`] : []),
    ...(roomy.length > free.length ? [`${roomy.length - free.length} Insufficient cpu`] : []),
    ...(all.length > open.length ? [`${all.length - open.length} node(s) were unschedulable`] : []),
  ];
  const message = `0/${all.length} nodes are available: ${why.join(", ")}.`;
  const waits = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  store.report(pods, pod, { phase: "Pending", conditions: [{ type: "Ready", status: "False" }, waits] });
}
