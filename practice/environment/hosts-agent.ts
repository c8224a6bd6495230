import { access } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { openServer, type ServerReply, type ServerRequest, type StandInServer } from "../kit/server.ts";
import type { DatabaseHost } from "./database.ts";
import { within } from "./patience.ts";

const CONTRACT = { "lifeboat-contract": "lifeboat.hosts/1" };
const RECOVERS_SECONDS = 120;

/** A server that can be stopped as its administrator stops it. */
export interface StoppedHost extends DatabaseHost {
  stop(): Promise<void>;
}

/**
 * `lifeboat.hosts/1` (docs/contracts.md). What scripts ask the agent of the database hosts for: `POST /hosts/<name>/rebuild` makes one server of the pair again as a
 * standby of the other; `POST /hosts/<name>/start` and `/stop` do that to one server, and `GET /hosts/<name>` says how it is. `others`: servers that only start and
 * stop. `more`: what else it does; null: it does not know that either. Who does not bear the token may only look.
 */
export async function openHostsAgent(
  token: string,
  [one, other]: readonly [StoppedHost, StoppedHost],
  more: (request: ServerRequest) => Promise<ServerReply | null> = async () => null,
  others: readonly StoppedHost[] = [],
): Promise<StandInServer> {
  const named = (name: string) => [one, other, ...others].find((host) => host.name === name);
  return await openServer({
    isWrite: ({ method }) => method !== "GET",
    async answer(request) {
      const { method, path, headers } = request;
      const [, name = "", verb] = /^\/hosts\/([a-z0-9-]+)(?:\/([a-z]+))?$/.exec(path) ?? [];
      const host = named(name);
      if (method === "GET" && verb === undefined && host !== undefined) return said(await stateOf(host));
      if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: "Who asks?" };
      const done = host === undefined ? undefined : doing(host, verb, host === one ? other : one);
      if (method === "POST" && done !== undefined) return said(await done());
      if (method === "POST" && verb !== undefined) return { status: 404, body: `There is no ${name}.` };
      return (await more(request)) ?? { status: 404, body: `There is no ${method} ${path}.` };
    },
  });

  function doing(host: StoppedHost, verb: string | undefined, source: StoppedHost) {
    if (verb === "start") return () => started(host);
    if (verb === "stop") return () => stopped(host);
    if (verb !== "rebuild" || others.includes(host)) return undefined;
    return async () => {
      await host.follow(source);
      return { rebuilt: host.name };
    };
  }
}

function said(body: object): ServerReply {
  return { status: 200, body, headers: CONTRACT };
}

/** Started and out of recovery; a standby stays in it, and is started when it answers. */
async function started(host: StoppedHost) {
  await host.start();
  return await within(RECOVERS_SECONDS, `${host.name} being out of recovery`, async () => {
    const seen = await stateOf(host);
    return seen.state === "running" ? seen : null;
  });
}

async function stopped(host: StoppedHost) {
  await host.stop();
  return await stateOf(host);
}

interface State {
  /** `recovering`: it replays a log up to where it was restored to, or does not answer yet. */
  readonly state: "running" | "recovering" | "stopped";
}

async function stateOf(host: StoppedHost): Promise<State> {
  if (!host.running) return { state: "stopped" };
  const isStandby = await access(join(host.folder, "standby.signal")).then(
    () => true,
    () => false,
  );
  const client = new pg.Client({
    connectionString: host.url(),
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ on: boolean }>('select pg_is_in_recovery() as "on"');
    return { state: rows[0]?.on === false || isStandby ? "running" : "recovering" };
  } catch {
    return { state: "recovering" };
  } finally {
    await client.end().catch(() => {});
  }
}
