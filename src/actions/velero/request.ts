import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext, Done, Handle } from "../contract.ts";
import { type Cluster, type ClusterTarget, openCluster, statusOf } from "../kubernetes-client.ts";
import { until } from "../poll.ts";

export type Plural = "backups" | "restores";

/** A Backup or Restore: a request that Velero carries out, and says in its status how far it got. */
export interface RequestView {
  readonly name: string;
  readonly phase: string;
  readonly errors: number;
  readonly warnings: number;
  readonly items: number | null;
  readonly completedAt: string | null;
  readonly schedule: string | null;
  readonly namespaces: readonly string[];
  readonly problems: readonly string[];
}

interface ApiRequest {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly includedNamespaces?: readonly string[] };
  readonly status?: {
    readonly phase?: string;
    readonly errors?: number;
    readonly warnings?: number;
    readonly completionTimestamp?: string;
    readonly progress?: { readonly itemsRestored?: number; readonly itemsBackedUp?: number };
    readonly validationErrors?: readonly string[];
  };
}

const OURS = "lifeboat.dev/request-for";

export function veleroPath({ namespace }: ClusterTarget, plural: string): string {
  return `/apis/velero.io/v1/namespaces/${namespace}/${plural}`;
}

export async function readRequests(cluster: Cluster, target: ClusterTarget, plural: Plural, of?: string) {
  const query = of === undefined ? {} : { labelSelector: `${OURS}=${of}` };
  return (await cluster.list<ApiRequest>(veleroPath(target, plural), query)).map(viewOf);
}

export async function readRequest(cluster: Cluster, target: ClusterTarget, plural: Plural, name: string) {
  try {
    return viewOf(await cluster.get<ApiRequest>(`${veleroPath(target, plural)}/${name}`));
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

function viewOf({ metadata, spec, status = {} }: ApiRequest): RequestView {
  const { progress } = status;
  return {
    name: metadata.name,
    phase: status.phase ?? "New",
    errors: status.errors ?? 0,
    warnings: status.warnings ?? 0,
    items: progress?.itemsRestored ?? progress?.itemsBackedUp ?? null,
    completedAt: status.completionTimestamp ?? null,
    schedule: metadata.labels?.["velero.io/schedule-name"] ?? null,
    namespaces: spec?.includedNamespaces ?? [],
    problems: status.validationErrors ?? [],
  };
}

/** The name the next request gets: the same in every look until it is there, so that a second one is refused. */
export function nextName(of: string, ours: readonly RequestView[]): string {
  const numbers = ours.map(({ name }) => Number(/-lifeboat-(\d+)$/.exec(name)?.[1] ?? 0));
  return `${of}-lifeboat-${1 + Math.max(0, ...numbers)}`;
}

/** Asks Velero once. That the name is taken means: look again. */
export async function request(
  ctx: ApplyContext,
  target: ClusterTarget,
  of: string,
  body: RequestBody,
): Promise<Handle> {
  const cluster = await openCluster(ctx, target);
  const { plural, kind, name, spec } = body;
  const metadata = { name, namespace: target.namespace, labels: { [OURS]: of } };
  try {
    await cluster.create(veleroPath(target, plural), { apiVersion: "velero.io/v1", kind, metadata, spec });
    return { request: name };
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    return { request: name, refused: "it was there already" };
  }
}

export interface RequestBody {
  readonly plural: Plural;
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
}

const ENDED_BADLY = /Failed/;

/** `partial`: it ended badly, and no one knows here what of it is there. */
export function doneBy(ours: readonly RequestView[], name: string | null): Done {
  const found = ours.find((one) => one.name === name);
  if (!found) return "no";
  if (found.phase === "FailedValidation") return "no";
  return ENDED_BADLY.test(found.phase) ? "partial" : "yes";
}

/** Waits for `Completed` without an error; every other end rejects, with what Velero says of it. */
export async function untilCompleted(ctx: ApplyContext, target: ClusterTarget, plural: Plural, name: string) {
  let state = `${name} was not seen`;
  return await until(
    {
      what: `${name} to be completed`,
      seconds: ctx.budget.failSeconds * 0.9,
      everyMilliseconds: 500,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const found = await readRequest(await openCluster(ctx, target), target, plural, name);
      if (!found) return null;
      state = sayRequest(found);
      if (ENDED_BADLY.test(found.phase) || (found.phase === "Completed" && found.errors > 0)) throw endedBadly(found);
      if (found.phase !== "Completed") ctx.progress(state);
      return found.phase === "Completed" ? found : null;
    },
  );
}

function sayRequest({ name, phase, errors, warnings, items }: RequestView): string {
  return `${name} is ${phase}: ${items ?? "unknown"} items, ${errors} errors, ${warnings} warnings`;
}

function endedBadly(found: RequestView): LifeboatError {
  return new LifeboatError({
    code: "velero-failed",
    where: found.name,
    what: `Velero ended with ${found.phase}${found.problems.length > 0 ? `: ${found.problems.join("; ")}` : ""}`,
    stateNow: sayRequest(found),
    next: `See velero describe and velero logs of ${found.name}`,
  });
}

/** Names of the places backups are kept that can be used now. */
export async function availableLocations(cluster: Cluster, target: ClusterTarget): Promise<readonly string[]> {
  const locations = await cluster.list<ApiRequest>(veleroPath(target, "backupstoragelocations"));
  return locations.filter(({ status }) => status?.phase === "Available").map(({ metadata }) => metadata.name);
}

/** The newest backup that can be restored from: of a schedule, or by its name. */
export function newestBackup(
  backups: readonly RequestView[],
  of: { schedule?: string | undefined; backup?: string | undefined },
) {
  return (
    backups
      .filter((one) => one.phase === "Completed" && one.errors === 0)
      .filter((one) => (of.backup === undefined ? one.schedule === of.schedule : one.name === of.backup))
      .sort((a, b) => Date.parse(b.completedAt ?? "") - Date.parse(a.completedAt ?? ""))[0] ?? null
  );
}

export function hoursSince(moment: string | null, now: number): number | null {
  return moment === null ? null : Math.round(((now - Date.parse(moment)) / 3_600_000) * 10) / 10;
}
