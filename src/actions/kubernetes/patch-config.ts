import { z } from "zod";
import { type Check, defineAction } from "../contract.ts";
import {
  answersFact,
  type ClusterTarget,
  clusterChecks,
  clusterInput,
  dnsName,
  type JsonOp,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { byHand, inverse, nothing, undoneBy } from "../undo.ts";
import { kubernetesPermissions } from "./permissions.ts";

const value = z.string().max(10_000);
const change = z
  .strictObject({
    /** What it is known to be; or, where it goes there and back, every value it may have: the endpoints of all members. */
    from: z.union([value, z.array(value).min(1).max(20)]),
    to: value,
  })
  .refine(({ from, to }) => from !== to, { path: ["to"], message: "has to differ from from" });

const input = z.strictObject({
  cluster: clusterInput,
  configMap: dnsName,
  /** The values are shown to everyone who sees the plan: nothing secret belongs into a ConfigMap. */
  changes: z
    .record(z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/), change)
    .refine((changes) => Object.keys(changes).length > 0),
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly present: boolean;
  readonly immutable: boolean;
  readonly resourceVersion: string | null;
  /** Of the named keys only. */
  readonly values: Readonly<Record<string, string | null>>;
}>;

interface ApiConfig {
  readonly metadata: { readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** Changes values of a ConfigMap from what they are known to be: all in one patch, or none. Pods read it when they restart. */
export const patchConfig = defineAction<Input, Seen>({
  id: "kubernetes.patch_config",
  summary: "Change values of a ConfigMap, if they are what they are known to be",
  input,
  risk: "reversible",
  service: "restores",
  repeat: "guarded",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.patch_config"](given), async (cluster) => {
      const keys = Object.keys(given.changes);
      try {
        const {
          metadata,
          data = {},
          immutable = false,
        } = await cluster.get<ApiConfig>(configPath(given.cluster, given.configMap));
        const values = Object.fromEntries(keys.map((key) => [key, data[key] ?? null]));
        return { present: true, immutable, resourceVersion: metadata.resourceVersion, values };
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
        const values = Object.fromEntries(keys.map((key) => [key, null]));
        return { present: false, immutable: false, resourceVersion: null, values };
      }
    }),
  facts: (seen, { cluster, configMap, changes }) => [
    answersFact(seen, cluster),
    ...Object.keys(changes).map((key) => ({
      id: `value:${key}`,
      label: `${configMap} ${key}`,
      value: seen.answers ? (seen.values[key] ?? null) : null,
      material: true,
    })),
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [changeable(seen, given), asKnown(seen.values, given)] : []),
  ],
  done(seen, { changes }) {
    if (!seen.answers) return "unknown";
    const all = Object.entries(changes);
    if (all.every(([key, { to }]) => seen.values[key] === to)) return "yes";
    return all.every(([key, change]) => isKnown(seen.values[key], change)) ? "no" : "partial";
  },
  async apply(ctx, { cluster: target, configMap, changes }, seen) {
    const version = seen.answers ? seen.resourceVersion : null;
    const values = seen.answers ? seen.values : {};
    const ops: readonly JsonOp[] = [
      { op: "test", path: "/metadata/resourceVersion", value: version },
      ...Object.entries(changes).flatMap(([key, { to }]): JsonOp[] => [
        { op: "test", path: `/data/${key}`, value: values[key] ?? null },
        { op: "replace", path: `/data/${key}`, value: to },
      ]),
    ];
    const cluster = await openCluster(ctx, target);
    try {
      await cluster.patch(configPath(target, configMap), "json", ops);
      return {};
    } catch (error) {
      if (statusOf(error) !== 422 && statusOf(error) !== 409) throw error;
      return { refused: "it had been changed since it was looked at" };
    }
  },
  async verify(ctx, { cluster: target, configMap, changes }) {
    return await until(
      { what: `${configMap} to hold the new values`, seconds: 15, everyMilliseconds: 200, signal: ctx.signal },
      async () => {
        const cluster = await openCluster(ctx, target);
        const { data = {} } = await cluster.get<ApiConfig>(configPath(target, configMap));
        const all = Object.entries(changes);
        if (!all.every(([key, { to }]) => data[key] === to)) return null;
        return {
          says: `${configMap} says ${all.map(([key, { to }]) => `${key} ${to}`).join(", ")}. Pods that read it at their start have to be restarted.`,
          facts: all.map(([key, { to }]) => ({
            id: `value:${key}`,
            label: `${configMap} ${key}`,
            value: to,
            material: false,
          })),
        };
      },
    );
  },
  undo: undoneBy((before, { cluster, configMap, changes }) => {
    if (!before.answers) return byHand(`What ${configMap} held before was not seen.`);
    const moved = Object.entries(changes).flatMap(([key, { to }]) => {
      const was = before.values[key];
      return was === null || was === undefined || was === to ? [] : [{ key, was, to }];
    });
    if (moved.length === 0) return nothing(`${configMap} held these values before.`);
    const back = Object.fromEntries(moved.map(({ key, was, to }) => [key, { from: to, to: was }]));
    const says = `Set ${configMap} back to ${moved.map(({ key, was }) => `${key} ${was}`).join(", ")}`;
    return inverse("kubernetes.patch_config", { cluster, configMap, changes: back }, says);
  }),
});

function isKnown(value: string | null | undefined, { from }: Input["changes"][string]): boolean {
  return value !== null && value !== undefined && [from].flat().includes(value);
}

function configPath({ namespace }: ClusterTarget, name: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${name}`;
}

function changeable(
  { present, immutable }: { readonly present: boolean; readonly immutable: boolean },
  { configMap }: Input,
): Check {
  const says = present
    ? immutable
      ? `${configMap} is immutable.`
      : `${configMap} can be changed.`
    : `There is no ConfigMap ${configMap}.`;
  return { id: "config.changeable", level: "block", ok: present && !immutable, says };
}

function asKnown(values: Readonly<Record<string, string | null>>, { configMap, changes }: Input): Check {
  const other = Object.entries(changes).filter(([key, change]) => !isKnown(values[key], change));
  const ok = other.length === 0;
  const found = other
    .map(([key, { from }]) => `${key} is ${values[key] ?? "absent"} and not ${[from].flat().join(" or ")}`)
    .join(", ");
  return {
    id: "config.known",
    level: "block",
    ok,
    says: ok ? `${configMap} holds what is known.` : `In ${configMap} ${found}.`,
  };
}
