import { openHostsAgent } from "../../environment/hosts-agent.ts";
import type { StandInServer } from "../../kit/server.ts";
import type { PracticePgBouncer } from "../../targets/pgbouncer/index.ts";
import type { Databases } from "./databases.ts";
import { DATABASE } from "./names.ts";

/** The agent of SAV3's hosts also writes where PgBouncer leads. */
export async function createAgent(
  databases: Databases,
  bouncer: PracticePgBouncer,
  token: string,
): Promise<StandInServer> {
  return await openHostsAgent(token, [databases.primary, databases.standby], async ({ method, path, json }) => {
    if (method !== "PUT" || path !== `/pools/${DATABASE}`) return null;
    const { host, port } = json<{ host: string; port: number }>();
    await bouncer.lead({ host, port, database: DATABASE });
    return { status: 200, body: { host, port } };
  });
}
