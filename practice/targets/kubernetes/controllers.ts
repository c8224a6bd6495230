import { createHash } from "node:crypto";
import { autoscale } from "./autoscaler.ts";
import { kindNamed } from "./kinds.ts";
import { isPullable, isReady, isTerminating, type Kubelet, type Pace, terminate } from "./pods.ts";
import { hasLabels } from "./selector.ts";
import type { ObjectStore } from "./store.ts";
import { ownedBy, ownerOf, type PodTemplate, stamp, type Thing, type Tree } from "./thing.ts";

const deployments = kindNamed("deployments");
const replicasets = kindNamed("replicasets");
const statefulsets = kindNamed("statefulsets");
const pods = kindNamed("pods");
const policies = kindNamed("networkpolicies");
const jobs = kindNamed("jobs");
const cronjobs = kindNamed("cronjobs");
const services = kindNamed("services");
const slices = kindNamed("endpointslices");
const budgets = kindNamed("poddisruptionbudgets");
const definitions = kindNamed("customresourcedefinitions");
const ESTABLISHED = { conditions: [{ type: "Established", status: "True", reason: "InitialNamesAccepted" }] };

const POD_REVISION = "controller-revision-hash";
export const REVISION = "deployment.kubernetes.io/revision";

interface WorkloadSpec {
  readonly replicas?: number;
  readonly paused?: boolean;
  readonly progressDeadlineSeconds?: number;
  readonly updateStrategy?: {
    readonly type?: "RollingUpdate" | "OnDelete";
    readonly rollingUpdate?: { readonly partition?: number };
  };
  readonly template: PodTemplate;
}

/** The controller manager: looks at everything again and again, and brings it one step nearer to what was asked. */
export function createControllers(store: ObjectStore, kubelet: Kubelet, pace: Pace): { tick(): void } {
  /** When a rollout last came further, by the deployment's uid. */
  const progress = new Map<string, { mark: string; at: number }>();
  const complete = new Set<string>();
  const started = new Map<string, number>();
  const ended = new Map<string, number>();
  /** The version at which nothing was left to do, and nothing waits for time to pass. */
  let settled: string | null = null;
  return {
    tick() {
      const version = store.resourceVersion();
      if (version === settled) return;
      autoscale(store);
      const waiting = [...store.list(deployments).map(rollOut)];
      for (const one of store.list(definitions)) store.report(definitions, one, ESTABLISHED);
      for (const one of store.list(statefulsets)) keepStateful(one);
      waiting.push(kubelet.tick(), ...store.list(jobs).map(runJob));
      for (const one of store.list(services)) publishEndpoints(store, one);
      collectGarbage(store);
      for (const one of store.list(budgets)) store.report(budgets, one, { ...budgetOf(store, one) });
      settled = store.resourceVersion() === version && !waiting.includes(true) ? version : null;
    },
  };

  /** A job that has ended is deleted when its own time is over, or by its CronJob, which keeps so many. True while it waits for that. */
  function collect(job: Thing): boolean {
    const { ttlSecondsAfterFinished: ttl } = (job.spec ?? {}) as { ttlSecondsAfterFinished?: number };
    const { namespace, uid, ownerReferences: owners = [] } = job.metadata;
    const cronJob = owners.find((one) => one.kind === "CronJob" && one.controller === true);
    const spec = cronJob && store.find(cronjobs, namespace, cronJob.name)?.spec;
    const limit = (spec as { successfulJobsHistoryLimit?: number } | undefined)?.successfulJobsHistoryLimit ?? 3;
    const siblings = store
      .list(jobs, namespace)
      .filter((one) => cronJob && one.metadata.ownerReferences?.some((owner) => owner.uid === cronJob.uid));
    const since = ended.get(uid) ?? ended.set(uid, performance.now()).get(uid) ?? 0;
    const left = (ttl ?? Number.POSITIVE_INFINITY) * (1000 / pace.timeScale) - (performance.now() - since);
    if (left <= 0 || (cronJob && siblings.length > limit)) store.remove(jobs, job);
    // What is still far away is looked at when something else moves.
    return left > 0 && left < 1000;
  }

  /** True while it is in progress. */
  function rollOut(deployment: Thing): boolean {
    const spec = deployment.spec as unknown as WorkloadSpec;
    const wanted = spec.replicas ?? 1;
    const hash = templateHash(spec.template);
    const mine = () => store.list(replicasets, deployment.metadata.namespace).filter((set) => ownedBy(set, deployment));
    let current = mine().find((set) => set.metadata.labels?.["pod-template-hash"] === hash);
    if (!spec.paused) {
      current = numbered(deployment, current ?? newSet(deployment, spec.template, hash), mine());
      const old = mine().filter((set) => set.metadata.name !== current?.metadata.name);
      setReplicas(current, wanted);
      if (readyOf(current) >= wanted) for (const set of old) setReplicas(set, 0);
    } else {
      // No new template is rolled out; what is in use is scaled all the same.
      const latest = mine().sort((a, b) => revisionOf(b) - revisionOf(a))[0];
      if (latest) setReplicas(latest, wanted);
    }
    for (const set of mine()) keepSet(set);
    const { done, status } = statusOf(deployment, spec, current, mine());
    store.report(deployments, deployment, status);
    return !done;
  }

  function newSet(deployment: Thing, template: PodTemplate, hash: string): Thing {
    const labels = { ...template.metadata?.labels, "pod-template-hash": hash };
    return store.create(replicasets, deployment.metadata.namespace, {
      metadata: {
        name: `${deployment.metadata.name}-${hash}`,
        labels,
        annotations: { [REVISION]: "0" },
        ownerReferences: [ownerOf(deployment)],
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { ...structuredClone(template), metadata: { ...structuredClone(template.metadata), labels } },
      },
      status: { replicas: 0 },
    });
  }

  /** The set in use carries the highest revision, and the deployment says so: going back makes a new number. */
  function numbered(deployment: Thing, current: Thing, all: readonly Thing[]): Thing {
    const highest = Math.max(0, ...all.filter((set) => set.metadata.name !== current.metadata.name).map(revisionOf));
    let set = current;
    if (revisionOf(current) <= highest) {
      const annotations = { ...current.metadata.annotations, [REVISION]: String(highest + 1) };
      set = store.write(replicasets, { ...current, metadata: { ...current.metadata, annotations } });
    }
    const live = store.find(deployments, deployment.metadata.namespace, deployment.metadata.name);
    const revision = String(revisionOf(set));
    if (live && live.metadata.annotations?.[REVISION] !== revision) {
      live.metadata.annotations = { ...live.metadata.annotations, [REVISION]: revision };
      store.write(deployments, live);
    }
    return set;
  }

  function setReplicas(set: Thing, count: number): void {
    const live = store.find(replicasets, set.metadata.namespace, set.metadata.name);
    if (live && live.spec?.replicas !== count)
      store.write(replicasets, { ...live, spec: { ...live.spec, replicas: count } });
  }

  function keepSet(set: Thing): void {
    const spec = set.spec as unknown as WorkloadSpec;
    const refusal = kubelet.keep(set, spec.template, spec.replicas ?? 0);
    const own = podsOf(set);
    const conditions = refusal === null ? [] : [failure(refusal)];
    store.report(replicasets, set, { replicas: own.length, readyReplicas: own.filter(isReady).length, conditions });
  }

  /** Its strategy says which pods of an older template are replaced: one after the other, from a partition on, or none. */
  function keepStateful(one: Thing): void {
    const { replicas: wanted = 1, template, updateStrategy = {} } = one.spec as unknown as WorkloadSpec;
    const revision = templateHash(template);
    const labels = { ...template.metadata?.labels, [POD_REVISION]: revision };
    kubelet.keep(one, { ...template, metadata: { ...template.metadata, labels } }, wanted);
    const own = podsOf(one);
    const old = own.filter((pod) => pod.metadata.labels?.[POD_REVISION] !== revision);
    const kept = updateStrategy.type === "OnDelete" ? wanted : (updateStrategy.rollingUpdate?.partition ?? 0);
    const ready = own.filter(isReady).length;
    if (old.length > kept && ready === wanted) terminate(store, old[0] as Thing);
    store.report(statefulsets, one, {
      observedGeneration: one.metadata.generation,
      replicas: own.length,
      readyReplicas: ready,
      availableReplicas: ready,
      updatedReplicas: own.length - old.length,
    });
  }

  function podsOf(owner: Thing): Thing[] {
    return store.list(pods, owner.metadata.namespace).filter((pod) => ownedBy(pod, owner) && !isTerminating(pod));
  }

  function readyOf(set: Thing): number {
    return podsOf(set).filter(isReady).length;
  }

  function statusOf(
    deployment: Thing,
    spec: WorkloadSpec,
    current: Thing | undefined,
    all: readonly Thing[],
  ): { readonly done: boolean; readonly status: Tree } {
    const wanted = spec.replicas ?? 1;
    const total = all.reduce((sum, set) => sum + podsOf(set).length, 0);
    const ready = all.reduce((sum, set) => sum + readyOf(set), 0);
    const updated = current ? podsOf(current).length : 0;
    const done = updated === wanted && total === wanted && ready >= wanted;
    const rollout = `${deployment.metadata.uid}:${current?.metadata.name}`;
    if (done) complete.add(rollout);
    // Once a template is rolled out, its deadline is over: a scale alone never exceeds it.
    const late =
      !(done || complete.has(rollout) || spec.paused) &&
      stuckSeconds(deployment, `${updated}/${total}/${ready}`) > (spec.progressDeadlineSeconds ?? 600);
    const reason = done ? "NewReplicaSetAvailable" : late ? "ProgressDeadlineExceeded" : "ReplicaSetUpdated";
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: total,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: ready,
      ...(ready < wanted ? { unavailableReplicas: wanted - ready } : {}),
      conditions: [
        {
          type: "Available",
          status: ready >= wanted ? "True" : "False",
          reason: ready >= wanted ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
        },
        { type: "Progressing", status: late ? "False" : "True", reason },
        ...all.flatMap((set) => (set.status?.conditions ?? []) as readonly Tree[]),
      ],
    };
    return { done, status };
  }

  function stuckSeconds(deployment: Thing, counts: string): number {
    const mark = `${deployment.metadata.generation}:${counts}`;
    const known = progress.get(deployment.metadata.uid);
    const now = performance.now();
    if (known?.mark !== mark) progress.set(deployment.metadata.uid, { mark, at: now });
    return known?.mark === mark ? ((now - known.at) / 1000) * pace.timeScale : 0;
  }

  /** Its pods run until the deadline, by which it fails: what is used to take something up for a while. */
  function runUntil(job: Thing, end: number, startTime: string): boolean {
    const { parallelism = 1, template } = job.spec as { parallelism?: number; template: PodTemplate };
    if (performance.now() >= end) {
      for (const pod of podsOf(job)) terminate(store, pod);
      const conditions = [{ type: "Failed", status: "True", reason: "DeadlineExceeded" }];
      store.report(jobs, job, { failed: parallelism, startTime, conditions });
    } else {
      kubelet.keep(job, template, parallelism);
      store.report(jobs, job, { active: parallelism, startTime });
    }
    return true;
  }

  /** True while it runs. */
  function runJob(job: Thing): boolean {
    if ((job.status?.conditions ?? null) !== null) return collect(job);
    const { uid } = job.metadata;
    const since = started.get(uid) ?? started.set(uid, performance.now()).get(uid) ?? 0;
    const startTime = (job.status?.startTime as string | undefined) ?? stamp();
    const { activeDeadlineSeconds: deadline } = job.spec as { activeDeadlineSeconds?: number };
    if (deadline !== undefined) return runUntil(job, since + (deadline * 1000) / pace.timeScale, startTime);
    if (performance.now() - since < (pace.jobSeconds * 1000) / pace.timeScale) {
      store.report(jobs, job, { active: 1, startTime });
      return true;
    }
    const template = (job.spec as { template?: PodTemplate } | undefined)?.template;
    const failed = !isPullable(template?.spec.containers[0]?.image ?? "");
    store.report(
      jobs,
      job,
      failed
        ? { failed: 1, startTime, conditions: [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded" }] }
        : { succeeded: 1, startTime, completionTime: stamp(), conditions: [{ type: "Complete", status: "True" }] },
    );
    return false;
  }
}

const OWNERS = new Map([["Job", jobs]]);

/** What a deleted Job owned goes with it. */
function collectGarbage(store: ObjectStore): void {
  for (const kind of [pods, policies])
    for (const thing of store.list(kind)) {
      const orphaned = (thing.metadata.ownerReferences ?? []).some((owner) => {
        const of = OWNERS.get(owner.kind);
        return of !== undefined && store.find(of, thing.metadata.namespace, owner.name)?.metadata.uid !== owner.uid;
      });
      if (orphaned) kind === pods ? terminate(store, thing) : store.remove(kind, thing);
    }
}

function failure(message: string): Tree {
  return { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message };
}

function publishEndpoints(store: ObjectStore, service: Thing): void {
  const { namespace, name } = service.metadata;
  const selector = service.spec?.selector as Record<string, string> | undefined;
  const endpoints = store
    .list(pods, namespace)
    .filter((pod) => hasLabels(selector, pod.metadata.labels))
    .map((pod) => ({
      addresses: ["127.0.0.1"],
      conditions: { ready: isReady(pod) && !isTerminating(pod), terminating: isTerminating(pod) },
      targetRef: { kind: "Pod", name: pod.metadata.name, namespace },
    }));
  const known = store.find(slices, namespace, `${name}-slice`);
  const labels = { "kubernetes.io/service-name": name };
  if (!known)
    store.create(slices, namespace, { metadata: { name: `${name}-slice`, labels }, addressType: "IPv4", endpoints });
  else store.write(slices, { ...known, endpoints });
}

/** What a budget allows to be evicted now. */
export function budgetOf(store: ObjectStore, budget: Thing): { currentHealthy: number; disruptionsAllowed: number } {
  const spec = budget.spec as {
    minAvailable?: number;
    maxUnavailable?: number;
    selector?: { matchLabels?: Record<string, string> };
  };
  const covered = store
    .list(pods, budget.metadata.namespace)
    .filter((pod) => hasLabels(spec.selector?.matchLabels, pod.metadata.labels));
  const healthy = covered.filter((pod) => isReady(pod) && !isTerminating(pod)).length;
  const least = spec.minAvailable ?? covered.length - (spec.maxUnavailable ?? 0);
  return { currentHealthy: healthy, disruptionsAllowed: Math.max(0, healthy - least) };
}

function revisionOf(set: Thing): number {
  return Number(set.metadata.annotations?.[REVISION] ?? 0);
}

function templateHash(template: PodTemplate): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(template)))
    .digest("hex")
    .slice(0, 10);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
