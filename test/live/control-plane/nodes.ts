import { setTimeout as sleep } from "node:timers/promises";
import { type Api, ApiError } from "./api.ts";

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly ownerReferences?: readonly { readonly kind: string }[];
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly terminationGracePeriodSeconds?: number;
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
    readonly securityContext?: { readonly runAsUser?: number; readonly runAsGroup?: number };
  };
  readonly status: { readonly phase: string };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly { readonly secretRef?: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number };
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
}

export interface Volume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

/** How the container of a pod is. */
export type State =
  | { readonly is: "waiting"; readonly reason: string; readonly message: string }
  | { readonly is: "running"; readonly ready: boolean; readonly restarts: number }
  | { readonly is: "ended"; readonly code: number };

/** What runs the pods of a node. */
export interface Runtime {
  start(pod: Pod): Promise<Contained>;
}

export interface Contained {
  readonly address: string;
  state(): State;
  /** Resolves when nothing of it runs any more. */
  stop(graceSeconds: number): Promise<void>;
}

export interface Nodes {
  /** The node answers no longer, as after a power cut: its pods stop at once, and nobody says so. */
  cut(node: string): Promise<void>;
  stop(): Promise<void>;
}

const BEAT_MS = 200;
const LEASE_SECONDS = 40;

/** Plays the kubelets of some nodes: pods that are scheduled to them are run, reported, and gone when they were deleted. */
export async function playNodes(api: Api, names: readonly string[], runtime: Runtime): Promise<Nodes> {
  const ended = new AbortController();
  const alive = new Set(names);
  const known = new Map<string, { pod: Pod; contained: Contained; reported: string; stopping: boolean }>();
  for (const name of names) await register(api, name);
  const beating = beat();
  return {
    async cut(node) {
      alive.delete(node);
      const lost = [...known.values()].filter(({ pod }) => pod.spec.nodeName === node);
      await Promise.all(lost.map(({ contained }) => contained.stop(0)));
    },
    async stop() {
      ended.abort();
      await beating;
      await Promise.all([...known.values()].map(({ contained }) => contained.stop(0)));
    },
  };

  async function beat(): Promise<void> {
    let renewed = 0;
    while (!ended.signal.aborted) {
      try {
        if (performance.now() - renewed > (LEASE_SECONDS * 1000) / 4) {
          for (const name of alive) await renew(api, name);
          renewed = performance.now();
        }
        await keepPods();
      } catch (error) {
        if (!ended.signal.aborted) process.stderr.write(`nodes: ${String(error)}\n`);
      }
      await sleep(BEAT_MS, undefined, { signal: ended.signal }).catch(() => {});
    }
  }

  async function keepPods(): Promise<void> {
    const pods = (await api.list<Pod>("/api/v1/pods")).filter(({ spec }) => alive.has(spec.nodeName ?? ""));
    await Promise.all(pods.map(keepPod));
    for (const [uid, { pod, contained }] of known) {
      if (!alive.has(pod.spec.nodeName ?? "") || pods.some(({ metadata }) => metadata.uid === uid)) continue;
      known.delete(uid);
      void contained.stop(0);
    }
  }

  async function keepPod(pod: Pod): Promise<void> {
    const { uid, deletionTimestamp } = pod.metadata;
    const one = known.get(uid);
    if (deletionTimestamp !== undefined) {
      if (one?.stopping) return;
      if (one) one.stopping = true;
      const grace = pod.metadata.deletionGracePeriodSeconds ?? 30;
      void (one?.contained.stop(grace) ?? Promise.resolve()).then(() => forgotten(api, pod)).catch(() => {});
      return;
    }
    if (pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return;
    if (one === undefined) {
      const contained = await runtime.start(pod);
      known.set(uid, { pod, contained, reported: "", stopping: false });
      return;
    }
    const state = one.contained.state();
    const said = JSON.stringify(state);
    if (said === one.reported) return;
    await api.patch(`${pathOf(pod)}/status`, { status: statusOf(pod, one.contained.address, state) });
    one.reported = said;
  }
}

function pathOf({ metadata: { namespace, name } }: Pod): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

async function forgotten(api: Api, pod: Pod): Promise<void> {
  await api.remove(pathOf(pod), { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
}

function statusOf({ spec }: Pod, address: string, state: State): object {
  const ready = state.is === "running" && state.ready;
  const now = new Date().toISOString();
  const condition = (type: string, yes: boolean) => ({ type, status: yes ? "True" : "False", lastTransitionTime: now });
  const phases = {
    waiting: "Pending",
    running: "Running",
    ended: state.is === "ended" && state.code === 0 ? "Succeeded" : "Failed",
  };
  return {
    phase: phases[state.is],
    startTime: now,
    ...(state.is === "running" && { podIP: address, podIPs: [{ ip: address }] }),
    conditions: [
      condition("PodScheduled", true),
      condition("Initialized", true),
      condition("ContainersReady", ready),
      condition("Ready", ready),
    ],
    containerStatuses: spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready,
      restartCount: state.is === "running" ? state.restarts : 0,
      started: state.is === "running",
      state:
        state.is === "waiting"
          ? { waiting: { reason: state.reason, message: state.message } }
          : state.is === "running"
            ? { running: { startedAt: now } }
            : {
                terminated: { exitCode: state.code, reason: state.code === 0 ? "Completed" : "Error", finishedAt: now },
              },
    })),
  };
}

async function register(api: Api, name: string): Promise<void> {
  const there = await api.find(`/api/v1/nodes/${name}`);
  const labels = {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "topology.kubernetes.io/zone": `zone-${name}`,
  };
  if (!there) await api.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  const room = { cpu: "8", memory: "16Gi", pods: "110" };
  const now = new Date().toISOString();
  const ready = {
    type: "Ready",
    status: "True",
    reason: "KubeletReady",
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  await api.patch(`/api/v1/nodes/${name}/status`, {
    status: { capacity: room, allocatable: room, conditions: [ready] },
  });
  await renew(api, name);
}

async function renew(api: Api, name: string): Promise<void> {
  const path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  const renewTime = new Date().toISOString().replace("Z", "000Z");
  const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
  try {
    await api.patch(`${path}/${name}`, { spec });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    await api.create(path, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name }, spec });
  }
}
