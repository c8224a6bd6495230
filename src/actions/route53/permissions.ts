import type { AwsPermission, Declares } from "../permission.ts";

// Route 53 has no regions, and its ARNs no account.
const allow = (resource: string, ...actions: string[]): readonly AwsPermission[] =>
  actions.map((action) => ({ of: "aws", action, resource, regions: [] }));
const healthCheck = (id: string) => `arn:aws:route53:::healthcheck/${id}`;
const LOOKS = ["route53:GetHealthCheck", "route53:GetHealthCheckStatus"];

export const route53Permissions = {
  "route53.check": (({ healthChecks }) =>
    healthChecks.flatMap((id) => allow(healthCheck(id), ...LOOKS))) satisfies Declares<{
    readonly healthChecks: readonly string[];
  }>,
  "route53.healthcheck_override": (({ healthCheck: id }) =>
    allow(healthCheck(id), ...LOOKS, "route53:UpdateHealthCheck")) satisfies Declares<{ readonly healthCheck: string }>,
  "route53.shift": (({ zone }) => [
    ...allow(
      `arn:aws:route53:::hostedzone/${zone}`,
      "route53:ListResourceRecordSets",
      "route53:ListResourceRecordSetProtections",
      "route53:ChangeResourceRecordSets",
    ),
    // What a change is called is known once it was asked for.
    ...allow("arn:aws:route53:::change/*", "route53:GetChange"),
  ]) satisfies Declares<{ readonly zone: string }>,
};
