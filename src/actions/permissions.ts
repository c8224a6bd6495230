import { appPermissions } from "./app/permissions.ts";
import { arcPermissions } from "./arc/permissions.ts";
import { cloudwatchPermissions } from "./cloudwatch/permissions.ts";
import { kubernetesPermissions } from "./kubernetes/permissions.ts";
import type { Declares, Permission } from "./permission.ts";
import { rdsPermissions } from "./rds/permissions.ts";
import { route53Permissions } from "./route53/permissions.ts";
import { s3Permissions, settingRead } from "./s3/permissions.ts";
import { veleroPermissions } from "./velero/permissions.ts";

interface LookedAt {
  readonly kind: string;
  readonly members: readonly { readonly input: unknown }[];
}

/** Of the kinds of members, one is read from a place that asks who may. */
const ofMembers = ({ kind, members }: LookedAt): readonly Permission[] =>
  kind === "s3-setting" ? members.flatMap(({ input }) => settingRead(input as Parameters<typeof settingRead>[0])) : [];

/** By action. One that is not here asks neither AWS nor a cluster for anything. */
export const permissions: ReadonlyMap<string, Declares<never>> = new Map<string, Declares<never>>([
  ["roles.check", ({ targets }: { readonly targets: readonly LookedAt[] }) => targets.flatMap(ofMembers)],
  ["roles.look", ({ target }: { readonly target: LookedAt }) => ofMembers(target)],
  ...Object.entries({
    ...appPermissions,
    ...arcPermissions,
    ...cloudwatchPermissions,
    ...kubernetesPermissions,
    ...rdsPermissions,
    ...route53Permissions,
    ...s3Permissions,
    ...veleroPermissions,
  } as Record<string, Declares<never>>),
]);

/** What a call of this action asks. @param input as the action takes it */
export async function permissionsOf(action: string, input: unknown): Promise<readonly Permission[]> {
  return (await permissions.get(action)?.(input as never)) ?? [];
}
