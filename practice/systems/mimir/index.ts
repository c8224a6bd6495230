import type { SystemEstateKind } from "../../environment/system-estate.ts";
import { PGBACKREST_PACKAGES, PGBACKREST_PROGRAMS } from "../../targets/pgbackrest/index.ts";
import { REDIS_PACKAGES, REDIS_PROGRAMS } from "../../targets/redis/index.ts";
import { createMimir, type MimirEstate } from "./estate.ts";

export type { MimirEstate } from "./estate.ts";

/** pgBackRest and the PostgreSQL it knows are Debian's, as is Redis. */
export const mimir = {
  system: "mimir",
  needs: [
    ...REDIS_PROGRAMS.map((program, i) => ({ program, package: REDIS_PACKAGES[i] ?? program })),
    ...PGBACKREST_PROGRAMS.map((program) => ({
      program,
      package: program === "pgbackrest" ? PGBACKREST_PACKAGES[1] : PGBACKREST_PACKAGES[0],
    })),
  ],
  create: (options): Promise<MimirEstate> => createMimir(options),
} as const satisfies SystemEstateKind;
