import { loadArc } from "./arc/set-routing.ts";
import { loadSts } from "./aws.ts";
import { loadCloudWatch } from "./aws-metrics.ts";
import { loadKubernetes } from "./cluster.ts";
import { loadRds } from "./rds/client.ts";
import { loadRedis } from "./redis/client.ts";
import { loadRoute53 } from "./route53/client.ts";
import { loadS3 } from "./s3/bucket.ts";

/** What the actions of a target need loaded; `pg` and HTTP are always there. */
const sdks: Readonly<Record<string, readonly (() => Promise<unknown>)[]>> = {
  arc: [loadArc, loadSts],
  cloudwatch: [loadCloudWatch, loadSts],
  kubernetes: [loadKubernetes],
  rds: [loadRds, loadSts, loadCloudWatch],
  redis: [loadRedis],
  route53: [loadRoute53, loadSts],
  s3: [loadS3, loadSts, loadCloudWatch, loadKubernetes],
  velero: [loadKubernetes],
};

/** Loads what an action needs, once in the life of the process. */
export async function loadFor(id: string): Promise<void> {
  const [target = ""] = id.split(".");
  for (const load of sdks[target] ?? []) await load();
}
