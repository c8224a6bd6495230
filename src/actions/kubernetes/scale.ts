import { z } from "zod";
import {
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidences,
  type Fact,
  type ReadContext,
} from "../contract.ts";
import {
  answersFact,
  type Cluster,
  type ClusterTarget,
  clusterChecks,
  clusterInput,
  type JsonOp,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { byHand, inverse, nothing, undoneBy } from "../undo.ts";
import { type ConfigRead, configChecks, isStale, markOps, readConfig, readsInput } from "./config-read.ts";
import { kubernetesPermissions } from "./permissions.ts";
import { runningPods } from "./pods.ts";
import { foundFact, namedCheck, noteOps, presentCheck, type Remembered, rememberedBy } from "./remembered.ts";
import {
  type ApiWorkload,
  BEFORE,
  lookEvery,
  readWorkload,
  sayEnding,
  sayWorkload,
  selectWorkloads,
  untilRolledOut,
  type WorkloadView,
  workloadInput,
  workloadPath,
} from "./workload.ts";

const input = z
  .strictObject({
    cluster: clusterInput,
    workloads: z.array(workloadInput).min(1).max(200).optional(),
    /** A label selector instead of names: `app!=postgres`. */
    selector: z.string().min(1).max(500).optional(),
    replicas: z.number().int().min(0).max(1000).optional(),
    /** A count for each workload: `deployment/api: 3`. */
    counts: z
      .record(workloadInput, z.number().int().min(0).max(1000))
      .refine((counts) => Object.keys(counts).length > 0)
      .optional(),
    /** The id of an earlier `kubernetes.scale` step: every workload gets back the count that step found. */
    restoreFrom: z.string().min(1).optional(),
    /** ConfigMaps the pods read at their start: pods made before those were changed are replaced, whatever their count. */
    reads: readsInput,
  })
  .superRefine(({ workloads, selector, replicas, restoreFrom, counts }, issues) => {
    const named = [workloads, selector].filter((one) => one !== undefined).length;
    const alone = [restoreFrom, counts].filter((one) => one !== undefined).length;
    const right = alone === 0 ? replicas !== undefined && named === 1 : replicas === undefined && named + alone === 1;
    if (right) return;
    issues.addIssue("needs restoreFrom or counts alone, or replicas with either workloads or selector");
  });
type Input = z.infer<typeof input>;

interface Wish {
  readonly ref: string;
  readonly replicas: number;
}

interface Scaler {
  readonly ref: string;
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

interface Scene {
  /** Null: the step whose counts are to be restored has not been verified. */
  readonly wishes: readonly Wish[] | null;
  readonly workloads: readonly WorkloadView[];
  readonly missing: readonly string[];
  readonly scalers: readonly Scaler[];
  readonly config: ConfigRead;
  /** Pods that still run of workloads that are to have none, those that are being deleted too. */
  readonly pods: readonly string[];
}
type Seen = Look<Scene>;

const REPLICAS: Remembered<number> = {
  annotation: BEFORE,
  found: "replicasBefore:",
  isValue: (value) => typeof value === "number",
};

/**
 * Sets how many replicas workloads have: one request for each that is not there yet. Each request tests the count that was
 * seen, and leaves the old count as a mark on the workload, so that a crash between two of them forgets nothing.
 */
export const scale = defineAction<Input, Seen>({
  id: "kubernetes.scale",
  summary: "Set how many replicas workloads have, and remember how many they had",
  input,
  risk: "disruptive",
  service: ({ replicas, counts }) => (isZero(replicas, counts) ? "interrupts" : "restores"),
  repeat: "safe",
  budget: { typicalSeconds: 30, warnSeconds: 180, failSeconds: 600 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.scale"](given), (cluster) =>
      look(ctx, cluster, given),
    ),
  facts: (seen, given) => [
    answersFact(seen, given.cluster),
    ...(seen.answers ? [...seen.workloads.map(countFact), ...seen.missing.map(missingFact), ...leftFact(seen)] : []),
  ],
  ready: (seen, given, evidences) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers
      ? [
          counts(seen, given),
          present(seen),
          ...seen.scalers.map((one) => leftAlone(one, seen)),
          ...configChecks(given.reads, seen.config),
          ...replaced(seen),
        ]
      : []),
    ...unremembered(given, evidences),
  ],
  done(seen, _input, before): Done {
    if (!seen.answers) return "unknown";
    const due = dueOf(seen);
    if (seen.wishes === null || seen.missing.length > 0 || seen.config.missing.length > 0) return "no";
    if (due.length === 0) return seen.pods.length === 0 ? "yes" : "no";
    const known = before?.answers ? before.workloads : [];
    const moved = due.some(({ view }) => known.some((old) => old.ref === view.ref && old.replicas !== view.replicas));
    return moved ? "partial" : "no";
  },
  async apply(ctx, given, seen) {
    const due = dueOf(seen);
    const cluster = await openCluster(ctx, given.cluster);
    for (const { view, replicas } of due) {
      ctx.progress(`${view.ref}: ${view.replicas} to ${replicas}`);
      await cluster.patch(
        workloadPath(given.cluster, view.ref),
        "json",
        opsOf(view, replicas, given, seen.answers ? seen.config : NO_CONFIG),
      );
    }
    return { changed: due.map(({ view }) => view.ref) };
  },
  async verify(ctx, given, before) {
    const now = await lookAtCluster(ctx, given.cluster, [], (cluster) => look(ctx, cluster, given));
    const wishes = (now.answers ? now.wishes : null) ?? (before.answers ? before.wishes : null) ?? [];
    const wanted = new Map(wishes.map(({ ref, replicas }) => [ref, replicas]));
    const refs = [...wanted.keys()];
    const scalers = now.answers ? now.scalers : [];
    // The mark that was written: a ConfigMap that changes meanwhile is not this step's.
    const config = (before.answers ? before.config : null) ?? NO_CONFIG;
    const views = await untilRolledOut(ctx, given.cluster, refs, (view) => {
      const replicas = wanted.get(view.ref) ?? 0;
      const met = isMet(view, replicas, scalers) || isScalersNow(view, replicas, scalers, before);
      return met && !(replicas > 0 && isStale(view, config));
    });
    await untilNoPods(
      ctx,
      given.cluster,
      refs.filter((ref) => wanted.get(ref) === 0),
    );
    const stay = views.map(({ ref }) => ref).filter((ref) => (wanted.get(ref) ?? 0) > 0);
    const ending = given.reads === undefined ? "" : await sayEnding(ctx, given.cluster, stay);
    const none = views.some(({ ref }) => wanted.get(ref) === 0) ? " Of those at 0 no pod is left." : "";
    return {
      says:
        views.length === 0 ? "No workload had to be scaled." : `${views.map(sayWorkload).join("; ")}.${none}${ending}`,
      facts: views.flatMap((view) => evidenceOf(view, given, before)),
    };
  },
  undo: undoneBy((before, { cluster }) => {
    if (!before.answers) return byHand("The counts before were not seen.");
    const moved = dueOf(before)
      .filter(({ view, replicas }) => view.replicas !== replicas)
      .map(({ view }) => view);
    if (moved.length === 0) return nothing("Every workload had these counts before.");
    const says = `Scale ${moved.map(({ ref, replicas }) => `${ref} back to ${replicas}`).join(", ")}`;
    return inverse(
      "kubernetes.scale",
      { cluster, counts: Object.fromEntries(moved.map((one) => [one.ref, one.replicas])) },
      says,
    );
  }),
});

const NO_CONFIG: ConfigRead = { mark: null, missing: [] };

async function look(ctx: ReadContext, cluster: Cluster, given: Input): Promise<Scene> {
  const [counted, config] = await Promise.all([
    countsOf(ctx, cluster, given),
    readConfig(cluster, given.cluster, given.reads),
  ]);
  const empty = (counted.wishes ?? []).filter(({ replicas }) => replicas === 0).map(({ ref }) => ref);
  const pods = await podsOf(cluster, given.cluster, empty);
  return { ...counted, config, pods };
}

/** The pods of these workloads that have not ended yet. */
async function podsOf(cluster: Cluster, target: ClusterTarget, refs: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    refs.map(async (ref) => {
      try {
        const { spec } = await cluster.get<ApiWorkload>(workloadPath(target, ref));
        return await runningPods(cluster, target, ref, spec.selector);
      } catch (error) {
        if (statusOf(error) === 404) return [];
        throw error;
      }
    }),
  );
  return found.flat();
}

/** Pods that are being deleted run until their grace period is over: a count of 0 says nothing of them. */
async function untilNoPods(ctx: ApplyContext, target: ClusterTarget, refs: readonly string[]): Promise<void> {
  if (refs.length === 0) return;
  let left: readonly string[] = [];
  await until(
    {
      what: `the last pod of ${refs.join(", ")} to end`,
      seconds: ctx.budget.failSeconds * 0.9,
      // Each is requested itself and for its pods.
      everyMilliseconds: lookEvery(refs.length * 2),
      signal: ctx.signal,
      stateNow: () => `Still running: ${left.join(", ")}`,
    },
    async () => {
      left = await podsOf(await openCluster(ctx, target), target, refs);
      if (left.length > 0) ctx.progress(`${left.length} pods are still ending`);
      return left.length === 0 ? true : null;
    },
  );
}

async function countsOf(ctx: ReadContext, cluster: Cluster, given: Input): Promise<Omit<Scene, "config" | "pods">> {
  const { cluster: target, selector, replicas = 0 } = given;
  const remembered = given.restoreFrom === undefined ? null : rememberedCounts(ctx, given.restoreFrom);
  if (given.restoreFrom !== undefined && remembered === null)
    return { wishes: null, workloads: [], missing: [], scalers: [] };
  if (selector !== undefined) {
    const workloads = await selectWorkloads(cluster, target, selector);
    const wishes = workloads.map(({ ref }) => ({ ref, replicas }));
    return { wishes, workloads, missing: [], scalers: await scalersOf(cluster, given, wishes) };
  }
  const counted = Object.entries(given.counts ?? {}).map(([ref, count]) => ({ ref, replicas: count }));
  const named = (given.workloads ?? []).map((ref) => ({ ref, replicas }));
  const wishes = remembered ?? (given.counts === undefined ? named : counted);
  const found = await Promise.all(wishes.map(({ ref }) => readWorkload(cluster, target, ref)));
  return {
    wishes,
    workloads: found.filter((view) => view !== null),
    missing: wishes.filter((_, i) => found[i] === null).map(({ ref }) => ref),
    scalers: await scalersOf(cluster, given, wishes),
  };
}

function isZero(replicas: number | undefined, counts: Readonly<Record<string, number>> = {}): boolean {
  const wanted = replicas === undefined ? Object.values(counts) : [replicas];
  return wanted.length > 0 && wanted.every((count) => count === 0);
}

function rememberedCounts(evidences: Evidences, step: string): readonly Wish[] | null {
  const found = rememberedBy(REPLICAS, evidences, step);
  return found && [...found].map(([ref, replicas]) => ({ ref, replicas }));
}

interface ApiScaler {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly scaleTargetRef: { readonly kind: string; readonly name: string };
    readonly minReplicas?: number;
    readonly maxReplicas: number;
  };
}

async function scalersOf(
  cluster: Cluster,
  { cluster: target }: Input,
  wishes: readonly Wish[],
): Promise<readonly Scaler[]> {
  const path = `/apis/autoscaling/v2/namespaces/${target.namespace}/horizontalpodautoscalers`;
  return (await cluster.list<ApiScaler>(path))
    .map(({ metadata, spec }) => ({
      ref: `${spec.scaleTargetRef.kind.toLowerCase()}/${spec.scaleTargetRef.name}`,
      name: metadata.name,
      min: spec.minReplicas ?? 1,
      max: spec.maxReplicas,
    }))
    .filter(({ ref }) => wishes.some((wish) => wish.ref === ref));
}

function dueOf(seen: Seen): readonly { view: WorkloadView; replicas: number }[] {
  if (!seen.answers) return [];
  return (seen.wishes ?? []).flatMap(({ ref, replicas }) => {
    const view = seen.workloads.find((one) => one.ref === ref);
    if (!view) return [];
    const due = !isMet(view, replicas, seen.scalers) || (replicas > 0 && isStale(view, seen.config));
    return due ? [{ view, replicas }] : [];
  });
}

/** An autoscaler may have more than were wished for, by now: that is its work. */
function isMet({ ref, replicas: has }: WorkloadView, replicas: number, scalers: readonly Scaler[]): boolean {
  if (has === replicas) return true;
  const scaler = scalers.find((one) => one.ref === ref);
  return scaler !== undefined && replicas > 0 && has > replicas && has <= scaler.max;
}

/** An autoscaler may have taken some away again, once our count was there: the mark of the patch shows that it was. */
function isScalersNow(
  { ref, replicas: has, scaledTo, marked }: WorkloadView,
  replicas: number,
  scalers: readonly Scaler[],
  before: Seen,
): boolean {
  const scaler = scalers.find((one) => one.ref === ref);
  const wasMarked = before.answers && before.workloads.some((one) => one.ref === ref && one.marked);
  const arrived = scaledTo === replicas || (wasMarked && !marked);
  return scaler !== undefined && arrived && has > 0 && has >= scaler.min && has <= scaler.max;
}

/** Pods that read an older configuration are to be replaced, and the workload's strategy replaces none. */
function replaced(seen: Seen): readonly Check[] {
  const kept = dueOf(seen)
    .filter(({ view, replicas }) => replicas > 0 && view.replicas > 0 && (view.heldBack ?? 0) > 0)
    .filter(({ view }) => seen.answers && isStale(view, seen.config));
  if (kept.length === 0) return [];
  const names = kept.map(({ view }) => view.ref).join(", ");
  const says = `Pods of ${names} read an older configuration, and its update strategy replaces none.`;
  return [{ id: "pods.replaced", level: "block", ok: false, says, next: "Delete them one by one." }];
}

function opsOf(view: WorkloadView, replicas: number, given: Input, config: ConfigRead): readonly JsonOp[] {
  const made = replicas > 0 ? markOps(view, config) : [];
  if (view.replicas === replicas && !isWayBack(given))
    return [{ op: "test", path: "/spec/replicas", value: replicas }, ...made];
  const mark = `${view.replicas}>${replicas}`;
  return [
    { op: "test", path: "/spec/replicas", value: view.replicas },
    { op: "replace", path: "/spec/replicas", value: replicas },
    ...noteOps(REPLICAS, view, { mark, isWayBack: isWayBack(given) }),
    ...made,
  ];
}

/** Counts are put back to what they were: no mark is left, because nothing is to be remembered. */
function isWayBack({ restoreFrom, counts }: Input): boolean {
  return restoreFrom !== undefined || counts !== undefined;
}

/** The mark on the workload knows best; what this attempt saw counts only where this attempt changed it. */
function evidenceOf(view: WorkloadView, given: Input, before: Seen): readonly Fact[] {
  const count: Fact = {
    id: `replicas:${view.ref}`,
    label: `${view.ref} replicas`,
    value: view.replicas,
    material: false,
  };
  if (isWayBack(given)) return [count];
  const old = before.answers ? before.workloads.find(({ ref }) => ref === view.ref) : undefined;
  const found = view.scaledFrom ?? (old && old.replicas !== view.replicas ? old.replicas : null);
  return [count, foundFact(REPLICAS, view.ref, `${view.ref} replicas before`, found)];
}

function countFact({ ref, replicas }: WorkloadView): Fact {
  return { id: `replicas:${ref}`, label: `${ref} replicas`, value: replicas, material: false };
}

function leftFact({ pods }: Scene): readonly Fact[] {
  return pods.length === 0
    ? []
    : [{ id: "podsLeft", label: "Pods that still run of those at 0", value: pods.length, material: false }];
}

function missingFact(ref: string): Fact {
  return { id: `replicas:${ref}`, label: `${ref} replicas`, value: null, material: false };
}

function counts({ wishes }: Scene, given: Input): Check {
  return namedCheck(given, wishes?.length ?? null, {
    ...{ id: "workloads.selected", evidence: "counts", knows: "the counts" },
    ...{ one: "workload", many: "workloads" },
  });
}

function present({ missing }: Scene): Check {
  return presentCheck("workloads.present", "workload", missing);
}

/** An autoscaler sleeps at 0; otherwise it moves the count into its own range. */
function leftAlone({ ref, name, min, max }: Scaler, { wishes }: Scene): Check {
  const wish = wishes?.find((one) => one.ref === ref)?.replicas ?? 0;
  const ok = wish === 0 || (wish >= min && wish <= max);
  const says = ok
    ? `Autoscaler ${name} allows ${wish} of ${ref}.`
    : `Autoscaler ${name} would move ${ref} from ${wish} to between ${min} and ${max}.`;
  return { id: `autoscaler.${name}`, level: "block", ok, says, next: "Change the autoscaler first." };
}

function unremembered({ restoreFrom }: Input, evidences: Evidences): readonly Check[] {
  const evidence = restoreFrom === undefined ? null : evidences.evidenceOf(restoreFrom);
  const left = (evidence?.facts ?? []).filter(({ id, value }) => id.startsWith(REPLICAS.found) && value === null);
  if (left.length === 0) return [];
  const names = left.map(({ id }) => id.slice(REPLICAS.found.length)).join(", ");
  return [
    {
      id: "counts.known",
      level: "warn",
      ok: false,
      says: `${names}: stood there before that step, so it is left as it is.`,
    },
  ];
}
