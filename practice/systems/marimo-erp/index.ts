import type { SystemEnvironmentKind } from "../../environment/system-environment.ts";
import { RABBITMQ_PACKAGES, RABBITMQ_PROGRAMS } from "../../targets/rabbitmq/index.ts";
import { createMarimo, type MarimoEnvironment } from "./environment.ts";

export type { MarimoEnvironment } from "./environment.ts";

/** The environment of the system `marimo-erp`. Debian's PostgreSQL, because its pg_dump and its server belong together; Redis and RabbitMQ are no stand-ins. */
export const marimoErp = {
  system: "marimo-erp",
  needs: [
    { program: "postgres", package: "postgresql" },
    { program: "pg_restore", package: "postgresql-client" },
    { program: "pgbackrest", package: "pgbackrest" },
    { program: "redis-server", package: "redis-server" },
    ...RABBITMQ_PROGRAMS.map((program) => ({ program, package: RABBITMQ_PACKAGES[0] })),
  ],
  create: (options): Promise<MarimoEnvironment> => createMarimo(options),
} as const satisfies SystemEnvironmentKind;
