import type { AwsPermission, Declares } from "../permission.ts";

/** What the actions on routing controls ask of AWS. */
export const arcPermissions = {
  "arc.set_routing": (({ controls }) =>
    controls.flatMap(({ arn }) =>
      ["GetRoutingControlState", "UpdateRoutingControlStates"].map(
        (call): AwsPermission => ({
          of: "aws",
          action: `route53-recovery-cluster:${call}`,
          resource: arn,
          regions: [],
        }),
      ),
    )) satisfies Declares<{ readonly controls: readonly { readonly arn: string }[] }>,
};
