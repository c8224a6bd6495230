import type { SystemEnvironmentKind } from "../../environment/system-environment.ts";
import { PGBACKREST_PACKAGES, PGBACKREST_PROGRAMS } from "../../targets/pgbackrest/index.ts";
import { REDIS_PACKAGES, REDIS_PROGRAMS } from "../../targets/redis/index.ts";
import { createMimir, type MimirEnvironment } from "./environment.ts";

export type { MimirEnvironment } from "./environment.ts";

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
  create: (options): Promise<MimirEnvironment> => createMimir(options),
} as const satisfies SystemEnvironmentKind;
