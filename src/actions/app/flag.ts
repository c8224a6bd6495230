import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { clusterInput, dnsName, lookAtCluster, namespaceResource, openCluster } from "../kubernetes-client.ts";
import { ask, jsonOf } from "../rest.ts";
import { CONTRACTS, insistOn, speaking } from "../versions.ts";
import { appPermissions } from "./permissions.ts";

/** Where an application is told to take no writes. */
export const flagInput = z.discriminatedUnion("by", [
  /** An endpoint of its own: `GET` answers and `PUT` takes `{ "<key>": true }`. */
  z.strictObject({
    by: z.literal("http"),
    url: z.url({ protocol: /^https?$/ }),
    path: z.string().startsWith("/").default("/readonly"),
    key: z.string().min(1).default("readonly"),
    /** Sent as `Authorization: Bearer`. */
    tokenFrom: z.string().min(1).optional(),
  }),
  /** A value of a ConfigMap that the application reads without being restarted. */
  z.strictObject({
    by: z.literal("kubernetes"),
    cluster: clusterInput,
    configMap: dnsName,
    key: z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/),
    on: z.string().default("true"),
    off: z.string().default("false"),
  }),
]);
export type Flag = z.infer<typeof flagInput>;

/** What the flag says, or why it can't be read. Plain JSON. */
export type FlagView =
  | { readonly answers: true; readonly readonly: boolean }
  | { readonly answers: false; readonly why: string };

const SECONDS = 5;

/** That it can't be read is an observation. */
export async function readFlag(ctx: ReadContext, flag: Flag): Promise<FlagView> {
  if (flag.by === "kubernetes") return await readConfigMap(ctx, flag);
  try {
    const answer = await ask(ctx, targetOf(ctx, flag), { path: flag.path, seconds: SECONDS });
    insistOn(CONTRACTS.readonly, answer, `${flag.url}${flag.path}`);
    if (answer.status !== 200) return { answers: false, why: `${flag.url}${flag.path} answered ${answer.status}` };
    const value = jsonOf<Record<string, unknown>>(answer)[flag.key];
    if (typeof value === "boolean") return { answers: true, readonly: value };
    return { answers: false, why: `${flag.url}${flag.path} does not say ${flag.key}: true or false` };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answers: false, why: messageOf(error) };
  }
}

/** One request, sent once. */
export async function writeFlag(ctx: ReadContext, flag: Flag, readonly: boolean): Promise<void> {
  if (flag.by === "kubernetes") {
    const cluster = await openCluster(ctx, flag.cluster);
    await cluster.patch(configPath(flag), "merge", { data: { [flag.key]: readonly ? flag.on : flag.off } });
    return;
  }
  const call = { method: "PUT", path: flag.path, json: { [flag.key]: readonly }, seconds: SECONDS } as const;
  const answer = await ask(ctx, targetOf(ctx, flag), call);
  if (answer.status >= 300) throw new Error(`${flag.url}${flag.path} answered ${answer.status}`);
}

async function readConfigMap(ctx: ReadContext, flag: Flag & { by: "kubernetes" }): Promise<FlagView> {
  const seen = await lookAtCluster(ctx, flag.cluster, appPermissions["app.readonly"]({ flag }), async (cluster) => ({
    value: (await cluster.get<{ data?: Record<string, string> }>(configPath(flag))).data?.[flag.key] ?? null,
  }));
  if (!seen.answers) return { answers: false, why: seen.why };
  if (seen.mayNot.length > 0) return { answers: false, why: `the login may not ${seen.mayNot.join(", ")}` };
  if (seen.value === flag.on || seen.value === flag.off) return { answers: true, readonly: seen.value === flag.on };
  return {
    answers: false,
    why: `${flag.configMap} says ${flag.key} ${seen.value ?? "nothing"}, not ${flag.on} or ${flag.off}`,
  };
}

function configPath({ cluster, configMap }: Flag & { by: "kubernetes" }): string {
  return `/api/v1/namespaces/${cluster.namespace}/configmaps/${configMap}`;
}

function targetOf(ctx: ReadContext, { url, tokenFrom }: Flag & { by: "http" }) {
  const login = tokenFrom ? { authorization: `Bearer ${ctx.secret(tokenFrom)}` } : {};
  return { url, headers: { ...speaking(CONTRACTS.readonly), ...login } };
}

export function resourceOf(flag: Flag): string {
  return flag.by === "http" ? `app:${new URL(flag.url).host}${flag.path}` : namespaceResource(flag.cluster);
}
