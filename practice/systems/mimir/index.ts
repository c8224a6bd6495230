import type { SystemEstateKind } from "../../environment/system-estate.ts";
import { REDIS_PACKAGES, REDIS_PROGRAMS } from "../../targets/redis/index.ts";
import { createMimir, type MimirEstate } from "./estate.ts";

export type { MimirEstate } from "./estate.ts";

export const mimir = {
  system: "mimir",
  needs: REDIS_PROGRAMS.map((program, i) => ({ program, package: REDIS_PACKAGES[i] ?? program })),
  create: (options): Promise<MimirEstate> => createMimir(options),
} as const satisfies SystemEstateKind;
