import { z } from "zod";
import { hashOf } from "../../lib/canonical.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext } from "../contract.ts";
import { type Cluster, type ClusterTarget, openCluster, statusOf } from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { endingPods, type LabelSelector, waitingReasons } from "./pods.ts";

/** `deployment/api`, `statefulset/ledger`. */
export const workloadInput = z.string().regex(/^(deployment|statefulset)\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);

/** The count a workload had, written by the same request that changed it: it survives a crash, and the timeline. */
export const BEFORE = "lifeboat.dev/replicas-before";
export const RESTARTED = "kubectl.kubernetes.io/restartedAt";
/** On the pod template: a new value replaces every pod. `app@1234 flags@1240`: ConfigMaps and their resource versions. */
export const CONFIG_READ = "lifeboat.dev/config-read";
export const REVISION = "deployment.kubernetes.io/revision";

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
}

/** What is read of a Deployment or StatefulSet. */
export interface ApiWorkload {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly replicas?: number;
    readonly paused?: boolean;
    /** Of a StatefulSet. */
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly partition?: number };
    };
    readonly selector?: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/** One workload as it looks now. Plain JSON. */
export interface WorkloadView {
  readonly ref: string;
  readonly uid: string;
  readonly replicas: number;
  readonly available: number;
  /** `failed` only once the controller has seen the newest wish: a stale condition is not a verdict on it. */
  readonly rollout: "complete" | "running" | "failed";
  readonly paused: boolean;
  /** Pods that keep an older template whatever is patched: all of an `OnDelete`, those below a partition. Absent in older logs. */
  readonly heldBack?: number;
  readonly revision: string | null;
  /** What its pods are to be, as a hash: known with the patch itself, before any controller has seen it. */
  readonly template: string;
  readonly restartedAt: string | null;
  /** The count before it was scaled by us, as long as it stands where we put it. */
  readonly scaledFrom: number | null;
  readonly annotated: boolean;
  readonly marked: boolean;
  /** The count our mark says it was scaled to, wherever it stands now; absent in older logs. */
  readonly scaledTo?: number | null;
  /** The configuration its pods were made for (see `config-read.ts`). */
  readonly configRead: string | null;
  readonly templateAnnotated: boolean;
}

export function workloadPath({ namespace }: ClusterTarget, ref: string): string {
  const [kind, name] = ref.split("/");
  return `/apis/apps/v1/namespaces/${namespace}/${kind}s/${name}`;
}

/** Null: there is none. */
export async function readWorkload(cluster: Cluster, target: ClusterTarget, ref: string): Promise<WorkloadView | null> {
  try {
    return viewOf(ref, await cluster.get<ApiWorkload>(workloadPath(target, ref)));
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

export async function selectWorkloads(cluster: Cluster, { namespace }: ClusterTarget, selector: string) {
  const kinds = ["deployment", "statefulset"];
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const items = await cluster.list<ApiWorkload>(`/apis/apps/v1/namespaces/${namespace}/${kind}s`, {
        labelSelector: selector,
      });
      return items.map((item) => viewOf(`${kind}/${item.metadata.name}`, item));
    }),
  );
  return found.flat().sort((a, b) => (a.ref < b.ref ? -1 : 1));
}

function viewOf(ref: string, { metadata, spec, status = {} }: ApiWorkload): WorkloadView {
  const replicas = spec.replicas ?? 1;
  const current = (status.observedGeneration ?? 0) >= metadata.generation;
  const stuck = status.conditions?.some(({ reason }) => reason === "ProgressDeadlineExceeded") ?? false;
  const { updatedReplicas: updated = 0, availableReplicas: available = 0 } = status;
  const heldBack = heldBackBy(spec, replicas);
  const complete = updated >= replicas - heldBack && (status.replicas ?? 0) === replicas && available >= replicas;
  const mark = metadata.annotations?.[BEFORE];
  return {
    ref,
    uid: metadata.uid,
    replicas,
    available,
    rollout: current && stuck ? "failed" : current && complete ? "complete" : "running",
    paused: spec.paused ?? false,
    heldBack,
    revision: metadata.annotations?.[REVISION] ?? null,
    template: hashOf(withoutHash(spec.template)),
    restartedAt: spec.template.metadata?.annotations?.[RESTARTED] ?? null,
    scaledFrom: countBefore(mark, replicas),
    annotated: metadata.annotations !== undefined,
    marked: mark !== undefined,
    scaledTo: markOf(mark)?.to ?? null,
    configRead: spec.template.metadata?.annotations?.[CONFIG_READ] ?? null,
    templateAnnotated: spec.template.metadata?.annotations !== undefined,
  };
}

/** A ReplicaSet's template is its deployment's, and the label that tells the sets apart. */
export function withoutHash(template: PodTemplate): PodTemplate {
  const { "pod-template-hash": _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Pods that a change of the template does not reach: then a rollout is complete without them, as `kubectl rollout status` has it. */
function heldBackBy({ paused, updateStrategy }: ApiWorkload["spec"], replicas: number): number {
  if (paused === true || updateStrategy?.type === "OnDelete") return replicas;
  return Math.min(updateStrategy?.rollingUpdate?.partition ?? 0, replicas);
}

/** The mark says from and to (`3>0`). */
function markOf(mark: string | undefined): { readonly from: number; readonly to: number } | null {
  const [, from, to] = /^(\d+)>(\d+)$/.exec(mark ?? "") ?? [];
  return to === undefined ? null : { from: Number(from), to: Number(to) };
}

/** When it stands elsewhere now, someone moved it since and the mark is old. */
function countBefore(mark: string | undefined, replicas: number): number | null {
  const known = markOf(mark);
  return known?.to === replicas ? known.from : null;
}

/** Requests a second while many are waited for: an API server is asked no more than this by one step. */
const LOOKS_A_SECOND = 20;
const LOOK_EVERY_MS = 250;

/** Between two looks at so many things, a request each, in milliseconds. */
export function lookEvery(requests: number): number {
  return Math.max(LOOK_EVERY_MS, (requests / LOOKS_A_SECOND) * 1000);
}

const REASONS_EVERY_MS = 5000;
const REASONS_FIRST_MS = 1000;

/** A workload in a namespace of its own; left out: the plan's. */
export interface Placed {
  readonly ref: string;
  readonly namespace?: string;
}

/** Waits until every workload is rolled out; rejects at once when one is seen to have failed, with its pods' reasons. */
export async function untilRolledOut(
  ctx: ApplyContext,
  plan: ClusterTarget,
  wanted: readonly (string | Placed)[],
  also: (view: WorkloadView) => boolean,
): Promise<readonly WorkloadView[]> {
  const places = wanted.map((one) => {
    const { ref, namespace = plan.namespace } = typeof one === "string" ? { ref: one } : one;
    const name = namespace === plan.namespace ? ref : `${ref} in ${namespace}`;
    return { ref, name, target: { ...plan, namespace } };
  });
  let state = "Nothing was seen yet";
  let reasonsAt = performance.now() - REASONS_EVERY_MS + REASONS_FIRST_MS;
  let reasons = "";
  return await until(
    {
      what: `${places.map(({ name }) => name).join(", ")} to be rolled out`,
      seconds: ctx.budget.failSeconds * 0.9,
      everyMilliseconds: lookEvery(places.length),
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const cluster = await openCluster(ctx, plan);
      const views = await Promise.all(places.map(({ target, ref }) => readWorkload(cluster, target, ref)));
      state = places.map(({ name }, i) => sayOrMissed(name, views[i] ?? null)).join("; ");
      const failed = places.find((_, i) => views[i]?.rollout === "failed");
      if (failed) throw await rolloutFailed(cluster, failed.target, failed.ref, state);
      const there = views.filter((view) => view !== null);
      const done = there.length === places.length && there.every((view) => view.rollout === "complete" && also(view));
      if (done) return there;
      if (performance.now() - reasonsAt > REASONS_EVERY_MS) {
        const waiting = places.filter((_, i) => views[i] !== null && views[i]?.rollout !== "complete");
        reasons = await whyWaiting(cluster, waiting);
        reasonsAt = performance.now();
      }
      state = reasons === "" ? state : `${state} (${reasons})`;
      ctx.progress(state);
      return null;
    },
  );
}

/** Pods that run on beside those of a rollout that is complete, in a sentence; empty: there are none, or they can't be listed. */
export async function sayEnding(ctx: ApplyContext, target: ClusterTarget, refs: readonly string[]): Promise<string> {
  try {
    const cluster = await openCluster(ctx, target);
    const ending = await Promise.all(
      refs.map(async (ref) => {
        const { spec } = await cluster.get<ApiWorkload>(workloadPath(target, ref));
        return await endingPods(cluster, target, ref, spec.selector);
      }),
    );
    const count = ending.flat().length;
    if (count === 0) return "";
    const [are, they] = count === 1 ? ["pod is", "it runs"] : ["pods are", "they run"];
    return ` ${count} old ${are} still ending: until then ${they} as before.`;
  } catch {
    ctx.signal.throwIfAborted();
    return "";
  }
}

function sayOrMissed(name: string, view: WorkloadView | null): string {
  return view === null ? `${name} is not there` : sayWorkload({ ...view, ref: name });
}

/** What the pods of those that are not complete wait for: a node with room, an image, a quota. */
async function whyWaiting(
  cluster: Cluster,
  places: readonly { readonly ref: string; readonly target: ClusterTarget }[],
): Promise<string> {
  const all = await Promise.all(places.map(({ ref, target }) => reasonsOf(cluster, target, ref)));
  return [...new Set(all.flat())].slice(0, 3).join("; ");
}

/** Its own account first: where a quota or an admission webhook refuses pods, there are none that could say why. */
async function reasonsOf(cluster: Cluster, target: ClusterTarget, ref: string): Promise<readonly string[]> {
  const { spec, status } = await cluster.get<ApiWorkload>(workloadPath(target, ref));
  const refused = (status?.conditions ?? []).flatMap(({ type, status: is, reason, message }) =>
    type === "ReplicaFailure" && is === "True" ? [`${reason ?? "ReplicaFailure"}: ${message ?? ""}`] : [],
  );
  return [...refused, ...(await waitingReasons(cluster, target, spec.selector))];
}

export function sayWorkload({ ref, replicas, available, rollout }: WorkloadView): string {
  return `${ref}: ${available} of ${replicas} available, rollout ${rollout}`;
}

async function rolloutFailed(cluster: Cluster, target: ClusterTarget, ref: string, state: string) {
  const reasons = await reasonsOf(cluster, target, ref);
  return new LifeboatError({
    code: "rollout-failed",
    where: ref,
    what: `The rollout made no progress within its deadline${reasons.length > 0 ? `: ${reasons.join("; ")}` : ""}`,
    stateNow: state,
    next: "Correct what it waits for, or roll back to a revision that ran",
  });
}
