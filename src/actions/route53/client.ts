import type { Route53 } from "@aws-sdk/client-route-53";
import { clientSettings, type Use } from "../aws.ts";
import type { ReadContext } from "../contract.ts";

/** Route 53's control plane is one for the world and lives here, whatever region is failed over. */
export const CONTROL_PLANE_REGION = "us-east-1";

export const loadRoute53 = () => import("@aws-sdk/client-route-53");

export async function withRoute53<T>(
  ctx: ReadContext,
  use: Use,
  work: (route53: Route53, within: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const sdk = await loadRoute53();
  const client = new sdk.Route53(await clientSettings(ctx, "ROUTE_53", CONTROL_PLANE_REGION, use));
  try {
    return await work(client, { abortSignal: AbortSignal.any([ctx.signal]) });
  } finally {
    client.destroy();
  }
}
