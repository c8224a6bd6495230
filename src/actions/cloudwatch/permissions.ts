import type { Declares } from "../permission.ts";

/** What reading an alarm asks of AWS. */
export const cloudwatchPermissions = {
  "cloudwatch.gate": (({ region }) => [
    { of: "aws", action: "cloudwatch:GetMetricData", resource: "*", regions: [region] },
  ]) satisfies Declares<{ readonly region: string }>,
};
