import { z } from "zod";
import { type AwsError, awsErrorOf, awsPlace, type Identity, identify, rightAccount } from "../aws.ts";
import type { Check } from "../contract.ts";
import { defineLook } from "../read.ts";
import { withRds } from "./client.ts";

const input = z.strictObject({
  account: awsPlace.account,
  region: awsPlace.region,
  /** How many instances are to be made there. */
  instances: z.number().int().min(1).max(40),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  /** Null: AWS doesn't say. */
  readonly instances: { readonly used: number; readonly max: number } | null;
  readonly failed: AwsError | null;
}

/** What RDS calls the quota of instances. @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AccountQuota.html */
const INSTANCES = "DBInstances";

/** Whether the account may have so many instances more: beyond its quota RDS refuses to restore or to replicate. */
export const quotas = defineLook<Input, Seen>({
  id: "rds.quotas",
  summary: "Check that the account may have more RDS instances in a region",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  async observe(ctx, given) {
    const [identity, answered] = await Promise.all([
      identify(ctx, given),
      withRds(ctx, given, "read", (rds, within) => rds.describeAccountAttributes({}, within)).catch((error) => {
        ctx.signal.throwIfAborted();
        return awsErrorOf(error);
      }),
    ]);
    if ("kind" in answered) return { identity, instances: null, failed: answered };
    const quota = answered.AccountQuotas?.find(({ AccountQuotaName: name }) => name === INSTANCES);
    const { Used: used, Max: max } = quota ?? {};
    return { identity, instances: used === undefined || max === undefined ? null : { used, max }, failed: null };
  },
  facts: ({ instances }) => [
    { id: "instances.used", label: "RDS instances", value: instances?.used ?? null, material: false },
    { id: "instances.max", label: "Quota of RDS instances", value: instances?.max ?? null, material: false },
  ],
  checks: ({ identity, instances, failed }, given) => [rightAccount(identity, given), room(instances, failed, given)],
  where: ({ region }) => region,
});

/** Not knowing is no reason: only a quota that is seen to be used up is. */
function room(seen: Seen["instances"], failed: AwsError | null, { region, instances }: Input): Check {
  const id = "quota.instances";
  if (seen === null) {
    const why = failed?.kind === "denied" ? "Allow rds:DescribeAccountAttributes" : (failed?.says ?? "AWS doesn't say");
    return { id, level: "warn", ok: false, says: `The quota of RDS instances in ${region} isn't known. ${why}.` };
  }
  const { used, max } = seen;
  const ok = max - used >= instances;
  const has = `${region} has ${used} of ${max} RDS instances`;
  const says = ok ? `${has}; ${instances} more fit.` : `${has}; ${instances} more don't fit.`;
  return { id, level: "block", ok, says, next: "Have the quota raised." };
}
