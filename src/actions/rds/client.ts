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

const PAGES_MAX = 100;

/** Every page of a list: RDS answers 100 things at most, and says nothing of those beyond but where they begin. */
export async function pagesOf<A extends { readonly Marker?: string | undefined }>(
  ask: (from: { readonly Marker?: string }) => Promise<A>,
): Promise<readonly A[]> {
  const pages: A[] = [];
  let from: { readonly Marker?: string } = {};
  do {
    const page = await ask(from);
    pages.push(page);
    from = page.Marker ? { Marker: page.Marker } : {};
  } while (from.Marker !== undefined && pages.length < PAGES_MAX);
  return pages;
}
