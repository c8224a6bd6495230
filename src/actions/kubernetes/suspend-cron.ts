import { z } from "zod";
import { type Check, type Done, defineAction, type Fact, type ReadContext } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  type ClusterTarget,
  clusterChecks,
  clusterInput,
  dnsName,
  type JsonOp,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { byHand, inverse, nothing, undoneBy } from "../undo.ts";
import { kubernetesPermissions } from "./permissions.ts";
import { foundFact, namedCheck, noteOps, presentCheck, type Remembered, rememberedBy } from "./remembered.ts";

const input = z
  .strictObject({
    cluster: clusterInput,
    cronJobs: z.array(dnsName).min(1).max(200).optional(),
    /** A label selector instead of names: `tier=worker`. */
    selector: z.string().min(1).max(500).optional(),
    /** Every CronJob of the namespace. */
    all: z.literal(true).optional(),
    /** True: it starts nothing more. False: it runs by its schedule again. */
    suspend: z.boolean().optional(),
    /** The id of an earlier `kubernetes.suspend_cron` step: exactly those it suspended run again. */
    restoreFrom: z.string().min(1).optional(),
    /** What they started may write for as long as it runs, so suspending waits until it has ended. */
    waitForJobs: z.boolean().default(true),
  })
  .superRefine(({ cronJobs, selector, all, suspend, restoreFrom }, issues) => {
    const named = [cronJobs, selector, all].filter((one) => one !== undefined).length;
    const right =
      restoreFrom === undefined ? suspend !== undefined && named === 1 : suspend === undefined && named === 0;
    if (right) return;
    issues.addIssue("needs restoreFrom alone, or suspend with one of cronJobs, selector or all");
  });
type Input = z.infer<typeof input>;

interface CronView {
  readonly name: string;
  readonly suspended: boolean;
  /** What it was before it was changed by us, as long as it stands as we put it. */
  readonly before: boolean | null;
  readonly annotated: boolean;
  readonly marked: boolean;
  /** Jobs of it that have not ended. */
  readonly running: readonly string[];
}

interface Scene {
  /** What each is to be. Null: the step that suspended them has not been verified. */
  readonly wishes: Readonly<Record<string, boolean>> | null;
  readonly cronJobs: readonly CronView[];
}
type Seen = Look<Scene>;

/** On the CronJob: what `suspend` was and what it was made, as `false>true`. */
const SUSPENDED: Remembered<boolean> = {
  annotation: "lifeboat.dev/suspended-before",
  found: "suspendedBefore:",
  isValue: (value) => typeof value === "boolean",
};

/**
 * Suspends CronJobs or lets them run again: one request for each that is not so yet. Each request tests what was seen and
 * leaves it as a mark, so that neither a crash nor a second attempt forgets which were suspended before.
 */
export const suspendCron = defineAction<Input, Seen>({
  id: "kubernetes.suspend_cron",
  summary: "Suspend or resume CronJobs, and remember which were suspended before",
  input,
  risk: "reversible",
  service: "aside",
  repeat: "safe",
  budget: { typicalSeconds: 5, warnSeconds: 120, failSeconds: 900 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.suspend_cron"](given), (cluster) =>
      look(ctx, cluster, given),
    ),
  facts: (seen, given) => [
    answersFact(seen, given.cluster),
    ...(seen.answers ? [...seen.cronJobs.map(suspendedFact), ...missingOf(seen).map(missingFact), runs(seen)] : []),
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [known(seen, given), present(seen)] : []),
  ],
  done(seen, given, before): Done {
    if (!seen.answers) return "unknown";
    if (seen.wishes === null || missingOf(seen).length > 0) return "no";
    const due = dueOf(seen);
    if (due.length === 0) return runningOf(seen, given).length === 0 ? "yes" : "no";
    const earlier = before?.answers ? before.cronJobs : [];
    const moved = due.some((one) => earlier.some((old) => old.name === one.name && old.suspended !== one.suspended));
    return moved ? "partial" : "no";
  },
  async apply(ctx, given, seen) {
    const cluster = await openCluster(ctx, given.cluster);
    const due = dueOf(seen);
    for (const view of due) {
      ctx.progress(`${view.name}: ${view.suspended ? "resuming" : "suspending"}`);
      await cluster.patch(`${cronJobsPath(given.cluster)}/${view.name}`, "json", opsOf(view, given));
    }
    return { changed: due.map(({ name }) => name) };
  },
  async verify(ctx, given, before) {
    let running: readonly string[] = [];
    const wishes = before.answers ? before.wishes : null;
    const poll = {
      what: "every CronJob to be as asked, and its jobs to end",
      seconds: ctx.budget.failSeconds * 0.9,
      everyMilliseconds: 250,
      signal: ctx.signal,
      stateNow: () => (running.length === 0 ? "No job runs" : `Still running: ${running.join(", ")}`),
    };
    return await until(poll, async () => {
      const cluster = await openCluster(ctx, given.cluster);
      const found = await look(ctx, cluster, given);
      const seen = { ...found, wishes: wishes ?? found.wishes };
      if (
        seen.wishes === null ||
        missingOf(seen).length > 0 ||
        dueOf({ ...seen, answers: true, mayNot: [] }).length > 0
      )
        return null;
      running = runningOf(seen, given);
      if (running.length > 0) {
        ctx.progress(`Waiting for ${running.join(", ")} to end`);
        return null;
      }
      const named = seen.cronJobs.filter(({ name }) => seen.wishes?.[name] !== undefined);
      return { says: saysOf(named), facts: named.flatMap((view) => evidenceOf(view, given, before)) };
    });
  },
  undo: undoneBy((before, { cluster }) => {
    if (!before.answers) return byHand("Which were suspended before was not seen.");
    const due = dueOf(before);
    const [suspend, ...others] = [...new Set(due.map(({ suspended }) => suspended))];
    const cronJobs = due.map(({ name }) => name);
    if (suspend === undefined) return nothing("Every CronJob was so before.");
    if (others.length > 0) return byHand(`Of ${cronJobs.join(", ")} some were suspended before and some not.`);
    const says = `${suspend ? "Suspend" : "Resume"} ${cronJobs.join(", ")} again`;
    return inverse("kubernetes.suspend_cron", { cluster, cronJobs, suspend }, says);
  }),
});

interface ApiCronJob {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly suspend?: boolean };
}

interface ApiJob {
  readonly metadata: { readonly name: string; readonly ownerReferences?: readonly { readonly uid: string }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function cronJobsPath({ namespace }: ClusterTarget): string {
  return `/apis/batch/v1/namespaces/${namespace}/cronjobs`;
}

async function look(ctx: ReadContext, cluster: Cluster, given: Input): Promise<Scene> {
  const { cluster: target, selector, suspend = true, restoreFrom } = given;
  const [cronJobs, jobs] = await Promise.all([
    cluster.list<ApiCronJob>(cronJobsPath(target), selector === undefined ? {} : { labelSelector: selector }),
    cluster.list<ApiJob>(`/apis/batch/v1/namespaces/${target.namespace}/jobs`),
  ]);
  const all = cronJobs.map((one) => viewOf(one, jobs)).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (restoreFrom !== undefined) {
    const found = rememberedBy(SUSPENDED, ctx, restoreFrom);
    const wishes = found && Object.fromEntries(found);
    return { wishes, cronJobs: all.filter(({ name }) => wishes?.[name] !== undefined) };
  }
  const names = given.cronJobs ?? all.map(({ name }) => name);
  return {
    wishes: Object.fromEntries(names.map((name) => [name, suspend])),
    cronJobs: all.filter(({ name }) => names.includes(name)),
  };
}

function viewOf({ metadata, spec }: ApiCronJob, jobs: readonly ApiJob[]): CronView {
  const suspended = spec.suspend ?? false;
  const mark = metadata.annotations?.[SUSPENDED.annotation];
  const [, from, to] = /^(true|false)>(true|false)$/.exec(mark ?? "") ?? [];
  return {
    name: metadata.name,
    suspended,
    before: to === String(suspended) ? from === "true" : null,
    annotated: metadata.annotations !== undefined,
    marked: mark !== undefined,
    running: jobs.filter((job) => isOf(job, metadata.uid) && !hasEnded(job)).map((job) => job.metadata.name),
  };
}

function isOf({ metadata }: ApiJob, uid: string): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
}

function hasEnded({ status }: ApiJob): boolean {
  return status?.conditions?.some(({ type, status: is }) => /^(Complete|Failed)$/.test(type) && is === "True") ?? false;
}

function dueOf(seen: Seen): readonly CronView[] {
  if (!seen.answers) return [];
  return seen.cronJobs.filter(({ name, suspended }) => (seen.wishes?.[name] ?? suspended) !== suspended);
}

function missingOf({ wishes, cronJobs }: Scene): readonly string[] {
  return Object.keys(wishes ?? {}).filter((name) => !cronJobs.some((one) => one.name === name));
}

/** Jobs that may still write; of those that are resumed nothing is waited for. */
function runningOf({ wishes, cronJobs }: Scene, { waitForJobs }: Input): readonly string[] {
  return waitForJobs ? cronJobs.filter(({ name }) => wishes?.[name] === true).flatMap(({ running }) => running) : [];
}

function opsOf(view: CronView, { restoreFrom }: Input): readonly JsonOp[] {
  const mark = `${view.suspended}>${!view.suspended}`;
  return [
    // The field has a default, and the API server always shows it.
    { op: "test", path: "/spec/suspend", value: view.suspended },
    { op: "replace", path: "/spec/suspend", value: !view.suspended },
    ...noteOps(SUSPENDED, view, { mark, isWayBack: restoreFrom !== undefined }),
  ];
}

function evidenceOf(view: CronView, { restoreFrom }: Input, before: Seen): readonly Fact[] {
  const now = suspendedFact(view);
  if (restoreFrom !== undefined) return [{ ...now, material: false }];
  const old = before.answers ? before.cronJobs.find(({ name }) => name === view.name) : undefined;
  const value = view.before ?? (old && old.suspended !== view.suspended ? old.suspended : null);
  const label = `${view.name} was suspended before`;
  return [{ ...now, material: false }, foundFact(SUSPENDED, view.name, label, value)];
}

function suspendedFact({ name, suspended }: CronView): Fact {
  return { id: `suspended:${name}`, label: `${name} is suspended`, value: suspended, material: true };
}

function missingFact(name: string): Fact {
  return { id: `suspended:${name}`, label: `${name} is suspended`, value: null, material: true };
}

function runs({ cronJobs }: Scene): Fact {
  const running = cronJobs.flatMap((one) => one.running);
  return { id: "jobsRunning", label: "Jobs of them that run now", value: running.length, material: false };
}

function known({ wishes }: Scene, given: Input): Check {
  return namedCheck(given, wishes && Object.keys(wishes).length, {
    ...{ id: "cronJobs.selected", evidence: "suspended", knows: "which were suspended before" },
    ...{ one: "CronJob", many: "CronJobs" },
  });
}

function present(seen: Scene): Check {
  return presentCheck("cronJobs.present", "CronJob", missingOf(seen));
}

function saysOf(views: readonly CronView[]): string {
  const names = (suspended: boolean) => views.filter((one) => one.suspended === suspended).map(({ name }) => name);
  const [off, on] = [names(true), names(false)];
  if (views.length === 0) return "There is no CronJob to change.";
  return [
    ...(off.length > 0 ? [`Suspended: ${off.join(", ")}.`] : []),
    ...(on.length > 0 ? [`Running by schedule: ${on.join(", ")}.`] : []),
  ].join(" ");
}
