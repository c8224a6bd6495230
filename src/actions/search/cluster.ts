import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { ask, basicLogin, isSilence, type RestCall } from "../rest.ts";

const name = z
  .string()
  .max(200)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, "has to be a name in lower case");
export const indexName = name;
export const snapshotName = name;
export const repositoryName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

/** A search cluster as a runbook names it: Elasticsearch 7.10 or newer, or OpenSearch. */
export const clusterInput = z
  .strictObject({
    name: z.string().min(1).max(63),
    url: z.url({ protocol: /^https?$/ }).regex(/[^/]$/, "is written without a slash at its end"),
    /** `cluster_uuid` of `GET /`: an address may be pointed elsewhere, this can't. */
    clusterUuid: z.string().min(1),
    login: z.strictObject({ user: z.string().min(1), passwordFrom: z.string().min(1) }).optional(),
    /** A secret that holds what follows `ApiKey` in the header. */
    apiKeyFrom: z.string().min(1).optional(),
  })
  .refine(({ login, apiKeyFrom }) => !(login && apiKeyFrom), { message: "takes either login or apiKeyFrom" });
export type Cluster = z.infer<typeof clusterInput>;

const LOOK_SECONDS = 5;
const CHANGE_SECONDS = 15;

/** The cluster answered, and refused: what was asked did not happen, unless the status is 5xx without a type of its own. */
export class SearchRefusal extends LifeboatError {
  readonly status: number;
  readonly type: string;

  constructor(where: string, status: number, type: string, reason: string) {
    const lacks = status === 403 ? "Allow it to the login (see the README)" : undefined;
    super({
      code: `search-${status}`,
      where,
      what: `The cluster answered ${status}: ${reason}`,
      ...(lacks ? { next: lacks } : {}),
    });
    this.status = status;
    this.type = type;
  }
}

export async function get<T>(ctx: ReadContext, cluster: Cluster, path: string): Promise<T> {
  return await answered<T>(ctx, cluster, { path, seconds: LOOK_SECONDS });
}

/** Null when there is no such thing. */
export async function getIfThere<T>(ctx: ReadContext, cluster: Cluster, path: string): Promise<T | null> {
  try {
    return await get<T>(ctx, cluster, path);
  } catch (error) {
    if (error instanceof SearchRefusal && error.status === 404) return null;
    throw error;
  }
}

/** One request that changes something, after making sure once more that this is the plan's cluster. Sent once. */
export async function change<T>(
  ctx: ReadContext,
  cluster: Cluster,
  method: "PUT" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<T> {
  await insistOnCluster(ctx, cluster);
  return await answered<T>(ctx, cluster, {
    path,
    method,
    seconds: CHANGE_SECONDS,
    ...(body === undefined ? {} : { json: body }),
  });
}

async function answered<T>(ctx: ReadContext, cluster: Cluster, call: RestCall): Promise<T> {
  const { status, bytes } = await ask(ctx, { url: cluster.url, headers: authorization(ctx, cluster) }, call);
  const text = bytes.toString("utf8");
  if (status >= 200 && status < 300) return JSON.parse(text) as T;
  const { type, reason } = errorOf(text);
  throw new SearchRefusal(cluster.name, status, type, reason);
}

function authorization(ctx: ReadContext, { login, apiKeyFrom }: Cluster): Record<string, string> {
  if (login) return basicLogin(ctx, login);
  return apiKeyFrom ? { authorization: `ApiKey ${ctx.secret(apiKeyFrom)}` } : {};
}

function errorOf(text: string): { readonly type: string; readonly reason: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { type?: string; reason?: string } | string };
    if (typeof error === "string") return { type: "", reason: error };
    return { type: error?.type ?? "", reason: error?.reason ?? "nothing" };
  } catch {
    return { type: "", reason: text.slice(0, 200) || "nothing" };
  }
}

async function insistOnCluster(ctx: ReadContext, cluster: Cluster): Promise<void> {
  const { cluster_uuid } = await get<{ cluster_uuid: string }>(ctx, cluster, "/");
  if (cluster_uuid !== cluster.clusterUuid) throw otherCluster(cluster, cluster_uuid);
}

function otherCluster(cluster: Cluster, found: string): LifeboatError {
  return new LifeboatError({
    code: "search-other-cluster",
    where: cluster.name,
    what: `${cluster.url} is cluster ${found}, and the plan is for ${cluster.clusterUuid}`,
    stateNow: "Nothing was asked of it or changed in it",
  });
}

/** Why nothing is known, or what was seen. That a cluster is down or refuses us is an observation, not an error. */
export type Look<T> = { readonly answers: false; readonly why: string } | ({ readonly answers: true } & T);

export async function lookAt<T extends object>(
  ctx: ReadContext,
  cluster: Cluster,
  look: () => Promise<T>,
): Promise<Look<T>> {
  try {
    await insistOnCluster(ctx, cluster);
    return { ...(await look()), answers: true };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof LifeboatError) return { answers: false, why: error.problem.what };
    if (isSilence(error)) return { answers: false, why: messageOf(error) || "refused" };
    throw error;
  }
}

export function answersFact(seen: Look<object>, { name }: Cluster): Fact {
  return { id: "clusterAnswers", label: `${name} answers`, value: seen.answers, material: true };
}

export function answers(seen: Look<object>, { name, clusterUuid }: Cluster): Check {
  const says = seen.answers
    ? `${name} is cluster ${clusterUuid} and answers.`
    : `${name} does not let us look: ${seen.why}. Nothing is known of it.`;
  return { id: "cluster.answers", level: "block", ok: seen.answers, says };
}

export function resourceOf({ clusterUuid }: Cluster, name: string): string {
  return `search:${clusterUuid}/${name}`;
}
