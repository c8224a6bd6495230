import { loadArc } from "./arc/set-routing.ts";
import { loadSts } from "./aws.ts";
import { loadCloudWatch } from "./aws-metrics.ts";
import { loadKubernetes } from "./kubernetes-client.ts";
import { loadRds } from "./rds/client.ts";
import { loadRedis } from "./redis/client.ts";
import { loadRoute53 } from "./route53/client.ts";
import { loadS3 } from "./s3/bucket.ts";

const s3 = [loadS3, loadSts, loadCloudWatch, loadKubernetes];

/** What the actions of a target, or the members of a kind, need loaded; `pg` and HTTP are always there. */
const sdks: Readonly<Record<string, readonly (() => Promise<unknown>)[]>> = {
  app: [loadKubernetes],
  arc: [loadArc, loadSts],
  cloudwatch: [loadCloudWatch, loadSts],
  kubernetes: [loadKubernetes],
  rds: [loadRds, loadSts, loadCloudWatch],
  redis: [loadRedis],
  route53: [loadRoute53, loadSts],
  s3,
  "s3-setting": s3,
  velero: [loadKubernetes],
};

/**
 * Loads what an action (`rds.check`) or a look at members (`s3-setting`) needs, once in the life of the process. Before a
 * deadline begins: on a busy machine loading alone takes seconds, and a server that answered would count as silent.
 */
export async function loadFor(id: string): Promise<void> {
  for (const load of loadersOf(id)) await load();
}

export function loadersOf(id: string): readonly (() => Promise<unknown>)[] {
  const [target = ""] = id.split(".");
  return sdks[target] ?? [];
}
