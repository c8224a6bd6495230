import { z } from "zod";
import type { Check } from "../contract.ts";
import { type Cluster, type ClusterTarget, dnsName, type JsonOp, statusOf } from "../kubernetes-client.ts";
import { CONFIG_READ, type WorkloadView } from "./workload.ts";

/**
 * ConfigMaps the pods read at their start. They are then made for those ConfigMaps as they are now: a mark on the pod
 * template names their resource versions, so a ConfigMap that changed since (and also one that changed back) replaces the
 * pods, and a second request changes nothing.
 */
export const readsInput = z.array(dnsName).min(1).max(20).optional();

/** `mark`: what pods made now would carry. Null where nothing is named or a ConfigMap is not there. */
export interface ConfigRead {
  readonly mark: string | null;
  readonly missing: readonly string[];
}

export async function readConfig(
  cluster: Cluster,
  { namespace }: ClusterTarget,
  names: readonly string[] = [],
): Promise<ConfigRead> {
  const versions = await Promise.all(
    [...names].sort().map(async (name) => {
      try {
        const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
        const { metadata } = await cluster.get<{ metadata: { resourceVersion: string } }>(path);
        return { name, version: metadata.resourceVersion };
      } catch (error) {
        if (statusOf(error) === 404) return { name, version: null };
        throw error;
      }
    }),
  );
  const missing = versions.filter(({ version }) => version === null).map(({ name }) => name);
  const mark = versions.map(({ name, version }) => `${name}@${version}`).join(" ");
  return { mark: names.length === 0 || missing.length > 0 ? null : mark, missing };
}

/** Whether its pods were made for an older configuration, or no one knows for which. */
export function isStale(view: WorkloadView, { mark }: ConfigRead): boolean {
  return mark !== null && view.configRead !== mark;
}

export function markOps(view: WorkloadView, { mark }: ConfigRead): readonly JsonOp[] {
  if (!isStale(view, { mark, missing: [] })) return [];
  const path = "/spec/template/metadata/annotations";
  return view.templateAnnotated
    ? [{ op: "add", path: `${path}/${CONFIG_READ.replace("/", "~1")}`, value: mark }]
    : [{ op: "add", path, value: { [CONFIG_READ]: mark } }];
}

export function configChecks(names: readonly string[] | undefined, { missing }: ConfigRead): readonly Check[] {
  if (names === undefined) return [];
  const ok = missing.length === 0;
  const says = ok ? `Pods read ${names.join(", ")}.` : `There is no ConfigMap ${missing.join(", no ")}.`;
  return [{ id: "config.present", level: "block", ok, says }];
}
