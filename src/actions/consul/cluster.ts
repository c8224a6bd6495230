import { createHash } from "node:crypto";
import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { ask, isSilence, type RestAnswer, type RestCall } from "../rest.ts";

/** One Consul datacenter as a runbook names it. */
export const clusterInput = z.strictObject({
  name: z.string().min(1).max(63),
  url: z.url({ protocol: /^https?$/ }),
  /** What its servers say they are: an address may be pointed elsewhere. */
  datacenter: z.string().min(1).max(63),
  /** The secret that holds a token: `operator:read` to look, a management token to restore. */
  tokenFrom: z.string().min(1).optional(),
});
export type Cluster = z.infer<typeof clusterInput>;

export interface ClusterView {
  readonly version: string;
  /** Empty when there is none. */
  readonly leader: string;
  /** Null when it could not be asked: without a leader no one knows. */
  readonly healthy: boolean | null;
  readonly failureTolerance: number | null;
  readonly services: readonly string[];
  readonly keys: number;
  readonly critical: readonly string[];
}
export type Look<T> = { readonly answers: false; readonly why: string } | ({ readonly answers: true } & T);

const LOOK_SECONDS = 5;

export class ConsulRefusal extends LifeboatError {
  readonly status: number;

  constructor(where: string, status: number, said: string) {
    super({ code: `consul-${status}`, where, what: `Consul answered ${status}: ${said.slice(0, 300) || "nothing"}` });
    this.status = status;
  }
}

/** One request, sent once. Anything but success rejects. */
export async function send(ctx: ReadContext, cluster: Cluster, call: RestCall): Promise<RestAnswer> {
  const headers: Record<string, string> = cluster.tokenFrom ? { "x-consul-token": ctx.secret(cluster.tokenFrom) } : {};
  const answer = await ask(ctx, { url: cluster.url, headers }, call);
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new ConsulRefusal(cluster.name, answer.status, answer.bytes.toString("utf8"));
}

async function read<T>(ctx: ReadContext, cluster: Cluster, path: string, instead?: T): Promise<T> {
  try {
    return JSON.parse((await send(ctx, cluster, { path, seconds: LOOK_SECONDS })).bytes.toString("utf8")) as T;
  } catch (error) {
    if (instead !== undefined && error instanceof ConsulRefusal && error.status !== 403) return instead;
    throw error;
  }
}

/** One look. That it is down, refuses us or has no leader is an observation, not an error. */
export async function lookAt(ctx: ReadContext, cluster: Cluster): Promise<Look<ClusterView>> {
  interface Self {
    readonly Config: { readonly Datacenter: string; readonly Version: string };
  }
  interface Health {
    readonly Healthy: boolean | null;
    readonly FailureTolerance: number | null;
  }
  try {
    const { Config } = await read<Self>(ctx, cluster, "/v1/agent/self");
    if (Config.Datacenter !== cluster.datacenter) throw otherCluster(cluster, Config.Datacenter);
    const unknown = { Healthy: null, FailureTolerance: null };
    const [leader, health, services, keys, critical] = await Promise.all([
      read<string>(ctx, cluster, "/v1/status/leader"),
      autopilot<Health>(ctx, cluster, unknown),
      read<Record<string, unknown>>(ctx, cluster, "/v1/catalog/services", {}),
      read<readonly string[]>(ctx, cluster, "/v1/kv/?keys", []),
      read<readonly { ServiceName?: string; CheckID: string }[]>(ctx, cluster, "/v1/health/state/critical", []),
    ]);
    return {
      answers: true,
      version: Config.Version,
      leader,
      healthy: health.Healthy,
      failureTolerance: health.FailureTolerance,
      services: Object.keys(services)
        .filter((name) => name !== "consul")
        .sort(),
      keys: keys.length,
      critical: critical.map((one) => one.ServiceName || one.CheckID).sort(),
    };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof LifeboatError) return { answers: false, why: error.problem.what };
    if (isSilence(error)) return { answers: false, why: messageOf(error) || "refused" };
    throw error;
  }
}

/**
 * SHA-256 of all keys with their values: how many there are says nothing of what they hold.
 * Null: they can't be read.
 */
export async function contentsOf(ctx: ReadContext, cluster: Cluster): Promise<string | null> {
  interface Pair {
    readonly Key: string;
    readonly Value: string | null;
    readonly Flags?: number;
  }
  try {
    const pairs = await read<readonly Pair[]>(ctx, cluster, "/v1/kv/?recurse", []);
    const lines = pairs.map(({ Key, Value, Flags = 0 }) => JSON.stringify([Key, Value ?? "", Flags])).sort();
    return createHash("sha256").update(lines.join("\n")).digest("hex");
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof LifeboatError || isSilence(error)) return null;
    throw error;
  }
}

/** Autopilot says what it found with 200 when all is well and with 429 when it is not. */
async function autopilot<T>(ctx: ReadContext, cluster: Cluster, unknown: T): Promise<T> {
  const headers: Record<string, string> = cluster.tokenFrom ? { "x-consul-token": ctx.secret(cluster.tokenFrom) } : {};
  const target = { url: cluster.url, headers };
  const { status, bytes } = await ask(ctx, target, { path: "/v1/operator/autopilot/health", seconds: LOOK_SECONDS });
  return status === 200 || status === 429 ? (JSON.parse(bytes.toString("utf8")) as T) : unknown;
}

function otherCluster(cluster: Cluster, found: string): LifeboatError {
  return new LifeboatError({
    code: "consul-other-cluster",
    where: cluster.name,
    what: `${cluster.url} is datacenter ${found}, and the plan is for ${cluster.datacenter}`,
    stateNow: "Nothing was asked of it or changed in it",
  });
}

export function answersFact(seen: Look<object>, { name }: Cluster): Fact {
  return { id: "clusterAnswers", label: `${name} answers`, value: seen.answers, material: true };
}

export function answersWithLeader(seen: Look<ClusterView>, { name }: Cluster): Check[] {
  if (!seen.answers) {
    return [{ id: "cluster.answers", level: "block", ok: false, says: `${name} does not let us look: ${seen.why}.` }];
  }
  const led = seen.leader !== "";
  return [
    { id: "cluster.answers", level: "block", ok: true, says: `${name} answers, Consul ${seen.version}.` },
    {
      id: "cluster.leader",
      level: "block",
      ok: led,
      says: led ? `Its leader is ${seen.leader}.` : `${name} has no leader: too few of its servers are up.`,
    },
  ];
}

export function resourceOf({ url, datacenter }: Cluster): string {
  return `consul:${new URL(url).host}/${datacenter}`;
}
