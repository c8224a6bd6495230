import type { SystemEstateKind } from "../../environment/system-estate.ts";
import { createMarketplace, type MarketplaceEstate } from "./estate.ts";

export type { MarketplaceEstate } from "./estate.ts";

/** PostgreSQL comes from npm and AWS is a stand-in, so it needs nothing. */
export const llmMarketplace = {
  system: "llm-marketplace",
  needs: [],
  create: (options): Promise<MarketplaceEstate> => createMarketplace(options),
} as const satisfies SystemEstateKind;
