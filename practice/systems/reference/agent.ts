import { openServer, type ServerReply, type StandInServer } from "../../kit/server.ts";
import type { Backups } from "./backups.ts";
import type { Balancer } from "./balancer.ts";

interface Behind {
  readonly backups: Backups;
  readonly balancers: Readonly<Record<string, Balancer>>;
  readonly scratchPort: number;
  /** Who may have something done says this. */
  readonly token: string;
}

/** The agent of the backup host: what a script of the system asks to do what only someone on that host can. */
export async function openAgent(behind: Behind): Promise<StandInServer> {
  return await openServer({
    isWrite: ({ method }) => method !== "GET",
    async answer(request) {
      const { method, path, query } = request;
      if (method !== "GET" && request.headers.authorization !== `Bearer ${behind.token}`)
        return { status: 401, body: {} };
      return await done(behind, `${method} ${path}`, query, () => request.json<Record<string, unknown>>());
    },
  });
}

async function done(
  { backups, balancers, scratchPort }: Behind,
  what: string,
  query: URLSearchParams,
  body: () => Record<string, unknown>,
): Promise<ServerReply> {
  const balancer = (region: unknown) => balancers[String(region)];
  switch (what) {
    case "GET /backups":
      return { status: 200, body: await backups.inventory(query.get("target")) };
    case "POST /backups":
      return { status: 200, body: { made: await backups.make() } };
    case "GET /scratch":
      return { status: 200, body: backups.restored };
    case "POST /scratch":
      await backups.restore(String(body().target));
      return { status: 200, body: backups.restored };
    case "GET /route": {
      const led = balancer(query.get("region"));
      return led ? { status: 200, body: { to: led.leadsTo } } : { status: 404, body: { error: "No such region" } };
    }
    case "PUT /route": {
      const { to, region } = body();
      const led = balancer(region);
      led?.route(to === "scratch" ? { scratch: scratchPort } : "cluster");
      return led ? { status: 200, body: { to: led.leadsTo } } : { status: 404, body: { error: "No such region" } };
    }
    default:
      return { status: 404, body: { error: "GET|POST /backups, GET|POST /scratch, GET|PUT /route" } };
  }
}
