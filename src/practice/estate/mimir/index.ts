import { REDIS_PACKAGES, REDIS_PROGRAMS } from "../redis/index.ts";
import type { SystemEstateKind } from "../system-estate.ts";
import { createMimir, type MimirEstate } from "./estate.ts";

export type { MimirEstate } from "./estate.ts";

export const mimir = {
  system: "mimir",
  needs: REDIS_PROGRAMS.map((program, i) => ({ program, package: REDIS_PACKAGES[i] ?? program })),
  create: (options): Promise<MimirEstate> => createMimir(options),
} as const satisfies SystemEstateKind;
