import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import pg from "pg";
import { messageOf } from "../../../src/lib/errors.ts";
import { requestUrl } from "../../../src/lib/request-url.ts";
import { servesSynthetic, syntheticIn } from "../../environment/synthetic.ts";
import { textOf } from "../../kit/body.ts";
import { listening } from "../../kit/listening.ts";
import type { Program } from "../../targets/docker/index.ts";
import type { RedisNode } from "../../targets/redis/index.ts";
import type { Media } from "./media.ts";
import { DATABASE } from "./names.ts";

const BODY_BYTES_MAX = 16_384;

/** What every container of the API shares: where its database and its media are, and whether it takes writes. */
export interface Backend {
  readonly poolPort: () => number;
  readonly password: string;
  readonly media: Media;
  readonly cache: () => RedisNode;
  /** Who may set the flag and the settings. */
  readonly token: string;
  readonly settingsPassword: string;
  readonly state: { readonly: boolean; settings: Record<string, string> };
}

/**
 * The API of SAV3 as far as it matters here, in a container: it takes posts into the database behind PgBouncer, gives out media
 * by way of the cache, and has the document's health endpoints. A broken release starts and refuses every post.
 */
export function api(backend: Backend, broken = false): Program {
  return async (about) => {
    const pool = new pg.Pool({
      host: "127.0.0.1",
      port: backend.poolPort(),
      database: DATABASE,
      user: "app",
      password: backend.password,
      max: 6,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: 60_000,
      query_timeout: 60_000,
    });
    pool.on("error", () => {});
    const server = await listening(
      (request, response) =>
        answer(backend, pool, broken, about.image, request, response).catch((error) =>
          say(response, 500, { error: messageOf(error) }),
        ),
      { port: about.ports[0] ?? 0 },
    );
    return {
      healthy: () => server.isOpen() && !broken,
      async stop() {
        await server.close();
        // Sessions may wait for a paused PgBouncer: they are not waited for.
        void pool.end().catch(() => {});
      },
    };
  };
}

async function answer(
  backend: Backend,
  pool: pg.Pool,
  broken: boolean,
  image: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { state, media } = backend;
  const store = () => {
    if (state.readonly || broken) throw new Error("read-only for a moment");
    return syntheticIn(async (sql, values) => (await pool.query(sql, [...values])).rows);
  };
  if (servesSynthetic(request, response, store, { image })) return;
  const path = requestUrl(request).pathname;
  const picture = /^\/media\/(\w+)\.jpg$/.exec(path)?.[1];
  if (picture !== undefined && request.method === "PUT") {
    media.put(state.settings.MEDIA_BUCKET ?? "", `media/${picture}.jpg`, await textOf(request, BODY_BYTES_MAX));
    return say(response, 201, { key: `media/${picture}.jpg` });
  }
  if (picture !== undefined) return await give(backend, `media/${picture}.jpg`, response);
  switch (`${request.method} ${path}`) {
    case "GET /health":
      return say(response, broken ? 503 : 200, { status: broken ? "unhealthy" : "healthy", image });
    case "GET /health/database":
      return await pool.query("select 1").then(
        () => say(response, 200, { status: "healthy" }),
        (error) => say(response, 503, { status: "unhealthy", error: messageOf(error) }),
      );
    case "GET /health/media": {
      const { MEDIA_BUCKET = "" } = state.settings;
      const well = media.has(MEDIA_BUCKET, "media/0.jpg");
      return say(response, well ? 200 : 503, { status: well ? "healthy" : "unhealthy", bucket: MEDIA_BUCKET });
    }
    case "GET /readonly":
      response.setHeader("lifeboat-contract", "lifeboat.readonly/1");
      return say(response, isOurs(request, `Bearer ${backend.token}`) ? 200 : 401, { readonly: state.readonly });
    case "PUT /readonly":
      if (!isOurs(request, `Bearer ${backend.token}`)) return say(response, 401, {});
      state.readonly = (JSON.parse(await textOf(request, BODY_BYTES_MAX)) as { readonly: unknown }).readonly === true;
      return say(response, 200, { readonly: state.readonly });
    case "POST /posts/probe":
      return say(response, state.readonly ? 503 : 200, { readonly: state.readonly });
    case "GET /settings":
    case "PUT /settings":
      if (!isOurs(request, `Basic ${Buffer.from(`lifeboat:${backend.settingsPassword}`).toString("base64")}`))
        return say(response, 401, {});
      response.setHeader("lifeboat-contract", "lifeboat.settings/1");
      if (request.method === "PUT")
        state.settings = JSON.parse(await textOf(request, BODY_BYTES_MAX)) as Record<string, string>;
      return say(response, 200, state.settings);
    case "POST /posts": {
      if (broken) return say(response, 500, { error: "undefined is not a function" });
      if (state.readonly) return say(response, 503, { error: "read-only for a moment" });
      const { id } = JSON.parse(await textOf(request, BODY_BYTES_MAX)) as { id: string };
      await pool.query("insert into posts (id) values ($1) on conflict (id) do nothing", [id]);
      return say(response, 201, { id });
    }
    default:
      return say(response, 404, { error: `There is no ${request.method} ${path}.` });
  }
}

/** From the cache, else from the bucket in use, and into the cache. */
async function give({ state, media, cache }: Backend, key: string, response: ServerResponse): Promise<void> {
  const known = await cache()
    .raw("GET", key)
    .catch(() => "$-1\r\n");
  if (!known.startsWith("$-1")) return say(response, 200, { key, from: "cache" });
  const { MEDIA_BUCKET = "" } = state.settings;
  if (!media.has(MEDIA_BUCKET, key)) return say(response, 404, { key });
  await cache()
    .raw("SET", key, MEDIA_BUCKET)
    .catch(() => {});
  say(response, 200, { key, from: MEDIA_BUCKET });
}

function isOurs({ headers }: IncomingMessage, expected: string): boolean {
  const [a, b] = [Buffer.from(headers.authorization ?? ""), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function say(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}
