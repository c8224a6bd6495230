import { z } from "zod";
import {
  clusterChecks,
  clusterInput,
  dnsName,
  type JsonOp,
  lookAtCluster,
  namespaceResource,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { inCluster } from "../permission.ts";
import type { Read, Setting } from "./setting-place.ts";

export const configMapPlace = z.strictObject({
  kind: z.literal("configMap"),
  cluster: clusterInput,
  configMap: dnsName,
});

interface ApiConfig {
  readonly metadata: { readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** A ConfigMap. Pods that read it at their start have to be restarted by a step of its own. */
export function inConfigMap({ cluster: target, configMap }: z.infer<typeof configMapPlace>): Setting {
  const path = `/api/v1/namespaces/${target.namespace}/configmaps/${configMap}`;
  return {
    name: `ConfigMap ${configMap} of ${target.context}`,
    resource: namespaceResource(target),
    async read(ctx, keys, toWrite) {
      const needs = toWrite ? inCluster(target)("patch", "configmaps", [configMap]) : [];
      const seen = await lookAtCluster(ctx, target, needs, async (cluster) => {
        const found = await cluster.get<ApiConfig>(path).catch((error) => {
          if (statusOf(error) === 404) return null;
          throw error;
        });
        const values = Object.fromEntries(keys.map((key) => [key, found?.data?.[key] ?? null]));
        return { values, version: found?.metadata.resourceVersion ?? null };
      });
      const checks = clusterChecks(seen, target);
      return seen.answers
        ? { values: seen.values, version: seen.version, checks }
        : { values: {}, version: null, checks };
    },
    async write(ctx, seen: Read, values) {
      const ops: readonly JsonOp[] = [
        { op: "test", path: "/metadata/resourceVersion", value: seen.version },
        ...Object.entries(values).map(
          ([key, value]): JsonOp => ({
            op: seen.values[key] === null ? "add" : "replace",
            path: `/data/${key}`,
            value,
          }),
        ),
      ];
      const cluster = await openCluster(ctx, target);
      try {
        await cluster.patch(path, "json", ops);
        return "written";
      } catch (error) {
        if (statusOf(error) === 422 || statusOf(error) === 409) return "moved";
        throw error;
      }
    },
  };
}
