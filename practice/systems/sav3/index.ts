import type { SystemEnvironmentKind } from "../../environment/system-environment.ts";
import { PGBACKREST_PACKAGES, PGBACKREST_PROGRAMS } from "../../targets/pgbackrest/index.ts";
import { PGBOUNCER_PACKAGES } from "../../targets/pgbouncer/index.ts";
import { createSav3, type Sav3Environment } from "./environment.ts";

export type { Sav3Environment } from "./environment.ts";

/** pgBackRest and the PostgreSQL it knows are Debian's, as are PgBouncer and Redis. */
export const sav3 = {
  system: "sav3",
  needs: [
    ...PGBACKREST_PROGRAMS.map((program) => ({
      program,
      package: program === "pgbackrest" ? PGBACKREST_PACKAGES[1] : PGBACKREST_PACKAGES[0],
    })),
    { program: "pgbouncer", package: PGBOUNCER_PACKAGES[0] },
    { program: "redis-server", package: "redis-server" },
  ],
  create: (options): Promise<Sav3Environment> => createSav3(options),
} as const satisfies SystemEnvironmentKind;
