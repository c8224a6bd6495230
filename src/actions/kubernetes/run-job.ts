import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, defineAction } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  clusterInput,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { kubernetesPermissions } from "./permissions.ts";
import { waitingReasons } from "./pods.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** Short enough that the job's own name fits. */
  cronJob: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/),
});
type Input = z.infer<typeof input>;

type JobState = "running" | "complete" | "failed";
interface JobView {
  readonly name: string;
  readonly state: JobState;
}
type Seen = Look<{
  readonly cronJob: { readonly uid: string; readonly template: unknown } | null;
  /** Ours, of this cron job, as far as they are still kept. */
  readonly jobs: readonly JobView[];
  /** The name the next one gets: the same for every look until it is there, so a second request is refused (409). */
  readonly next: string;
}>;

interface Template {
  readonly metadata?: { readonly labels?: object; readonly annotations?: object };
  readonly spec: { readonly ttlSecondsAfterFinished?: number; readonly [field: string]: unknown };
}

/** A job that has ended stays so long, whatever the cron job's own are given: how it ended has to be seen. */
const KEPT_SECONDS = 86_400;
const REASONS_EVERY_MS = 5000;
/** So many looks in a row without it: it was deleted. */
const LOOKS_GONE = 3;
const OURS = "lifeboat.dev/cronjob";
/** Runs a cron job now, once, and waits for it to end. */
export const runJob = defineAction<Input, Seen>({
  id: "kubernetes.run_job",
  summary: "Run a cron job now, once, and wait until it has ended well",
  input,
  risk: "disruptive",
  service: "restores",
  opens: () => true,
  arbitrary: true,
  repeat: "guarded",
  budget: { typicalSeconds: 60, warnSeconds: 600, failSeconds: 3600 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.run_job"](given), (cluster) =>
      look(cluster, given),
    ),
  facts: (seen, { cluster, cronJob }) => [
    answersFact(seen, cluster),
    { id: "present", label: `${cronJob} is there`, value: seen.answers && seen.cronJob !== null, material: true },
    {
      id: "running",
      label: `Runs of ${cronJob} in progress`,
      value: seen.answers ? seen.jobs.filter(({ state }) => state === "running").length : null,
      material: false,
    },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [present(seen.cronJob, given), idle(seen.jobs, given)] : []),
  ],
  done(seen, _input, before) {
    if (!seen.answers) return "unknown";
    const name = before?.answers ? before.next : null;
    return seen.jobs.some((job) => job.name === name && job.state !== "failed") ? "yes" : "no";
  },
  async apply(ctx, { cluster: target, cronJob }, seen) {
    if (!seen.answers || seen.cronJob === null) {
      throw new LifeboatError({
        code: "cronjob-gone",
        where: cronJob,
        what: "It was not seen",
        stateNow: "Nothing was started",
      });
    }
    const { uid, template } = seen.cronJob;
    const { metadata = {}, spec } = template as Template;
    const body = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: seen.next,
        labels: { ...metadata.labels, [OURS]: cronJob },
        annotations: { ...metadata.annotations, "cronjob.kubernetes.io/instantiate": "manual" },
        // Not its controller: that deletes what its history limits leave no room for, before its end was seen.
        ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name: cronJob, uid }],
      },
      spec: { ...spec, ttlSecondsAfterFinished: Math.max(KEPT_SECONDS, spec.ttlSecondsAfterFinished ?? 0) },
    };
    const cluster = await openCluster(ctx, target);
    try {
      await cluster.create(`/apis/batch/v1/namespaces/${target.namespace}/jobs`, body);
      return { job: seen.next };
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      return { job: seen.next, refused: "it was there already" };
    }
  },
  async verify(ctx, given, before) {
    const name = before.answers ? before.next : "";
    let state = `${name} has not ended`;
    let gone = 0;
    let reasonsAt = performance.now() - REASONS_EVERY_MS + 1000;
    return await until(
      {
        what: `${name} to end`,
        seconds: ctx.budget.failSeconds * 0.9,
        everyMilliseconds: 500,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const cluster = await openCluster(ctx, given.cluster);
        const { jobs } = await look(cluster, given);
        const job = jobs.find((one) => one.name === name);
        gone = job === undefined ? gone + 1 : 0;
        if (gone >= LOOKS_GONE) throw jobGone(name);
        if (job?.state === "failed") throw jobFailed(name);
        if (job?.state === "complete") {
          return { says: `${name} has completed.`, facts: [{ id: "job", label: "Job", value: name, material: false }] };
        }
        if (performance.now() - reasonsAt > REASONS_EVERY_MS) {
          const reasons = await waitingReasons(cluster, given.cluster, { matchLabels: { "job-name": name } });
          state = [`${name} has not ended`, ...reasons].join("; ");
          ctx.progress(state);
          reasonsAt = performance.now();
        }
        return null;
      },
    );
  },
  undo: neverUndone(({ cronJob }) => `What ${cronJob} does backwards is not known here.`),
});

function jobFailed(name: string): LifeboatError {
  return new LifeboatError({
    code: "job-failed",
    where: name,
    what: "The job failed",
    stateNow: "What it had done until then stands",
    next: `See kubectl logs job/${name}, then retry or go on without it`,
  });
}

function jobGone(name: string): LifeboatError {
  return new LifeboatError({
    code: "job-gone",
    where: name,
    what: "The job was deleted before its end was seen",
    stateNow: "What it did until then stands; whether it ended well is not known",
    next: "Look at what it was to do, then retry or go on without it",
  });
}

interface ApiJob {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}
interface ApiCronJob {
  readonly metadata: { readonly uid: string };
  readonly spec: { readonly jobTemplate: unknown };
}

async function look(cluster: Cluster, { cluster: target, cronJob: name }: Input) {
  const base = `/apis/batch/v1/namespaces/${target.namespace}`;
  const [cronJob, jobs] = await Promise.all([
    cluster.get<ApiCronJob>(`${base}/cronjobs/${name}`).catch((error) => {
      if (statusOf(error) === 404) return null;
      throw error;
    }),
    cluster.list<ApiJob>(`${base}/jobs`, { labelSelector: `${OURS}=${name}` }),
  ]);
  const views = jobs.map(
    ({ metadata, status }): JobView => ({ name: metadata.name, state: stateOf(status?.conditions ?? []) }),
  );
  return {
    cronJob: cronJob && { uid: cronJob.metadata.uid, template: cronJob.spec.jobTemplate },
    jobs: views,
    next: `${name}-lifeboat-${1 + Math.max(0, ...views.map((job) => numberOf(job.name)))}`,
  };
}

function stateOf(conditions: readonly { readonly type: string; readonly status: string }[]): JobState {
  const has = (type: string) => conditions.some((one) => one.type === type && one.status === "True");
  return has("Failed") ? "failed" : has("Complete") ? "complete" : "running";
}

function numberOf(name: string): number {
  return Number(/-lifeboat-(\d+)$/.exec(name)?.[1] ?? 0);
}

function present(cronJob: unknown, { cronJob: name }: Input): Check {
  const ok = cronJob !== null;
  return {
    id: "cronJob.present",
    level: "block",
    ok,
    says: ok ? `${name} is there.` : `There is no cron job ${name}.`,
  };
}

function idle(jobs: readonly JobView[], { cronJob }: Input): Check {
  const running = jobs.filter(({ state }) => state === "running").map(({ name }) => name);
  const ok = running.length === 0;
  return {
    id: "cronJob.idle",
    level: "block",
    ok,
    says: ok ? `No run of ${cronJob} is in progress.` : `${running.join(", ")} still runs.`,
  };
}
