import { type Door, openDoor, type Reply } from "../door.ts";
import type { Backups } from "./backups.ts";
import type { Balancer } from "./balancer.ts";

interface Behind {
  readonly backups: Backups;
  readonly balancer: Balancer;
  readonly scratchPort: number;
  /** Who may have something done says this. */
  readonly token: string;
}

/** The agent of the backup host: what a script of the system asks to do what only somebody on that host can. */
export async function openAgent(behind: Behind): Promise<Door> {
  return await openDoor({
    isWrite: ({ method }) => method !== "GET",
    async answer(knock) {
      const { method, path, query } = knock;
      if (method !== "GET" && knock.headers.authorization !== `Bearer ${behind.token}`)
        return { status: 401, body: {} };
      return await done(behind, `${method} ${path}`, query.get("target"), () => knock.json<Record<string, unknown>>());
    },
  });
}

async function done(
  { backups, balancer, scratchPort }: Behind,
  what: string,
  target: string | null,
  body: () => Record<string, unknown>,
): Promise<Reply> {
  switch (what) {
    case "GET /backups":
      return { status: 200, body: await backups.inventory(target) };
    case "POST /backups":
      return { status: 200, body: { made: await backups.make() } };
    case "GET /scratch":
      return { status: 200, body: backups.restored };
    case "POST /scratch":
      await backups.restore(String(body().target));
      return { status: 200, body: backups.restored };
    case "GET /route":
      return { status: 200, body: { to: balancer.leadsTo } };
    case "PUT /route":
      balancer.route(body().to === "scratch" ? { scratch: scratchPort } : "cluster");
      return { status: 200, body: { to: balancer.leadsTo } };
    default:
      return { status: 404, body: { error: "GET|POST /backups, GET|POST /scratch, GET|PUT /route" } };
  }
}
