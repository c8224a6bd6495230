import type { SystemEnvironmentKind } from "../../environment/system-environment.ts";
import { createMarketplace, type MarketplaceEnvironment } from "./environment.ts";

export type { MarketplaceEnvironment } from "./environment.ts";

/** The environment of the system `llm-marketplace`. PostgreSQL comes from npm and AWS is a stand-in, so it needs nothing. */
export const llmMarketplace = {
  system: "llm-marketplace",
  needs: [],
  create: (options): Promise<MarketplaceEnvironment> => createMarketplace(options),
} as const satisfies SystemEnvironmentKind;
