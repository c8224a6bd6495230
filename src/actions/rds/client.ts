import type { RDS } from "@aws-sdk/client-rds";
import { clientSettings, type Place, type Use } from "../aws.ts";
import type { ReadContext } from "../contract.ts";

export const loadRds = () => import("@aws-sdk/client-rds");

/** A client of the target's own region for as long as `work` takes. */
export async function withRds<T>(
  ctx: ReadContext,
  place: Place,
  use: Use,
  work: (rds: RDS, within: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const sdk = await loadRds();
  const client = new sdk.RDS(await clientSettings(ctx, "RDS", place.region, use));
  try {
    return await work(client, { abortSignal: AbortSignal.any([ctx.signal]) });
  } finally {
    client.destroy();
  }
}
