import { type Door, openDoor } from "../door.ts";
import type { PgBouncerEstate } from "../pgbouncer/index.ts";
import type { Databases } from "./databases.ts";
import { DATABASE } from "./names.ts";

/** What scripts ask the hosts' own agent for: rebuild a server as a standby, write where PgBouncer leads. */
export async function createAgent(databases: Databases, bouncer: PgBouncerEstate, token: string): Promise<Door> {
  const { primary, standby } = databases;
  return await openDoor({
    isWrite: ({ method }) => method !== "GET",
    async answer({ method, path, headers, json }) {
      if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: "Who asks?" };
      const rebuilt = /^\/hosts\/([a-z0-9-]+)\/rebuild$/.exec(path)?.[1];
      if (method === "POST" && rebuilt !== undefined) {
        const [host, source] = rebuilt === primary.name ? [primary, standby] : [standby, primary];
        if (host.name !== rebuilt) return { status: 404, body: `There is no ${rebuilt}.` };
        await host.follow(source);
        return { status: 200, body: { rebuilt } };
      }
      if (method === "PUT" && path === `/pools/${DATABASE}`) {
        const { host, port } = json<{ host: string; port: number }>();
        await bouncer.lead({ host, port, database: DATABASE });
        return { status: 200, body: { host, port } };
      }
      return { status: 404, body: `There is no ${method} ${path}.` };
    },
  });
}
