import { partitionOf } from "../aws.ts";
import type { AwsPermission, Declares } from "../permission.ts";

type Of<T> = Declares<{ readonly region: string } & T>;

// Route 53 has no regions, and its ARNs no account; but China and GovCloud are partitions of their own.
const allow = (region: string, resource: string, ...actions: string[]): readonly AwsPermission[] =>
  actions.map((action) => ({
    of: "aws",
    action,
    resource: `arn:${partitionOf(region)}:route53:::${resource}`,
    regions: [],
  }));
const LOOKS = ["route53:GetHealthCheck", "route53:GetHealthCheckStatus"];

/** What the Route 53 actions ask of AWS. */
export const route53Permissions = {
  "route53.check": (({ region, healthChecks }) =>
    healthChecks.flatMap((id) => allow(region, `healthcheck/${id}`, ...LOOKS))) satisfies Of<{
    readonly healthChecks: readonly string[];
  }>,
  "route53.healthcheck_override": (({ region, healthCheck: id }) =>
    allow(region, `healthcheck/${id}`, ...LOOKS, "route53:UpdateHealthCheck")) satisfies Of<{
    readonly healthCheck: string;
  }>,
  "route53.shift": (({ region, zone }) => [
    ...allow(
      region,
      `hostedzone/${zone}`,
      "route53:ListResourceRecordSets",
      "route53:ListResourceRecordSetProtections",
      "route53:ChangeResourceRecordSets",
    ),
    // What a change is called is known once it was requested.
    ...allow(region, "change/*", "route53:GetChange"),
  ]) satisfies Of<{ readonly zone: string }>,
};
