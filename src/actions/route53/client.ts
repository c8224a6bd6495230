import type { Route53 } from "@aws-sdk/client-route-53";
import type { ControlPlane } from "../../catalog/types.ts";
import { clientSettings, type Place, partitionOf, type Use } from "../aws.ts";
import type { ReadContext } from "../contract.ts";

/** Route 53's control plane is one for each partition and lives here, whatever region is failed over. */
export function controlPlaneOf({ region }: Pick<Place, "region">): string {
  const regions: Readonly<Record<string, string>> = { "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1" };
  return regions[partitionOf(region)] ?? "us-east-1";
}

/** What a change of Route 53's needs, in `controlPlanes` of an action. */
export function controlPlanesOf(place: Pick<Place, "region">): readonly ControlPlane[] {
  return [{ what: "Route 53's control plane", region: controlPlaneOf(place) }];
}

export const loadRoute53 = () => import("@aws-sdk/client-route-53");

export async function withRoute53<T>(
  ctx: ReadContext,
  place: Pick<Place, "region">,
  use: Use,
  work: (route53: Route53, within: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const sdk = await loadRoute53();
  const client = new sdk.Route53(await clientSettings(ctx, "ROUTE_53", controlPlaneOf(place), use));
  try {
    return await work(client, { abortSignal: AbortSignal.any([ctx.signal]) });
  } finally {
    client.destroy();
  }
}

/** A name as people write it: AWS lists it with escapes (`\\052` for the `*` of a wildcard) and a dot at the end. */
export function nameOf(name: string): string {
  return name
    .replace(/\\([0-7]{3})/g, (_escape, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
    .toLowerCase()
    .replace(/\.$/, "");
}
