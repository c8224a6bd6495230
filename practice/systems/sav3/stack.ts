import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../../../src/lib/port.ts";
import { requestUrl } from "../../../src/lib/request-url.ts";
import type { Fleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";
import { listening } from "../../kit/listening.ts";
import type { PlainTurn } from "../../kit/plain.ts";
import {
  byDigest,
  createDocker,
  imageOf,
  managed,
  type PracticeDocker,
  type Program,
  web,
} from "../../targets/docker/index.ts";
import type { PracticePgBouncer } from "../../targets/pgbouncer/index.ts";
import { answerQuery } from "../../targets/prometheus/index.ts";
import { type RedisNode, startRedisNode } from "../../targets/redis/index.ts";
import { createTraefik, type PracticeTraefik } from "../../targets/traefik/index.ts";
import { api, type Backend } from "./api.ts";
import type { Databases } from "./databases.ts";
import { tellEngine } from "./engine.ts";
import type { Media } from "./media.ts";
import { API_BEFORE, API_NOW, MEDIA, MEDIA_REGION, MONITORING, PROJECT } from "./names.ts";

/** Created and not started: the server for restore tests. */
const IDLE = "postgres-scratch";

/** Docker Compose and what runs in it, and Traefik in front of it. */
export interface Stack {
  readonly docker: PracticeDocker;
  readonly traefik: PracticeTraefik;
  readonly traefikFile: string;
  readonly backend: Backend;
  readonly apiUrl: string;
  readonly standbyApiUrl: string;
  readonly monitoringUrls: Readonly<Record<(typeof MONITORING)[number], string>>;
  /** The image the API had before, by digest. */
  readonly apiBefore: string;
  readonly cache: () => RedisNode;
  /** Everything runs, on the image it should, and Traefik leads to the API. `broken`: on a release that refuses every post. */
  reset(options?: { broken?: boolean }): Promise<void>;
  /** `docker compose stop`, by hand. */
  stop(...services: readonly string[]): Promise<void>;
  /** `docker compose start`, by hand. */
  start(...services: readonly string[]): Promise<void>;
  /** The machine it runs on is gone: every container has ended, and the engine answers no one until the next reset. */
  burn(): Promise<void>;
  close(): Promise<void>;
}

interface Parts {
  readonly folder: string;
  readonly fleet: Fleet;
  readonly databases: Databases;
  readonly bouncer: PracticePgBouncer;
  readonly media: Media;
  readonly appPassword: string;
}

export async function createStack(parts: Parts): Promise<Stack> {
  const { folder, fleet, databases, bouncer, media } = parts;
  let cache = await startRedisNode(fleet, "media-cache");
  const backend: Backend = {
    poolPort: () => bouncer.port,
    password: parts.appPassword,
    media,
    cache: () => cache,
    token: randomBytes(12).toString("hex"),
    settingsPassword: randomBytes(12).toString("hex"),
    state: { readonly: false, settings: settingsOf(media) },
  };
  const ports = await portsFor(["api", "api-standby", "websocket", "worker", ...MONITORING]);
  const url = (service: string) => `http://127.0.0.1:${ports[service]}`;
  const docker = await createDocker({ socket: join(folder, "docker.sock") });
  const redis: Program = managed({
    async start() {
      if (!cache.member.running) cache = await startRedisNode(fleet, "media-cache", undefined, cache.port);
    },
    stop: () => cache.member.kill(),
    healthy: () => cache.member.running,
  });
  const server = (host: Databases["primary"]) =>
    managed({
      start: () => host.start(),
      stop: () => host.stop(),
      kill: () => host.kill(),
      healthy: () => host.running,
    });
  const pooler = managed({
    start: () => bouncer.run(),
    stop: () => bouncer.halt(),
    healthy: () => answers(bouncer.port),
  });
  const minio = managed({
    start: async () => media.is("up", MEDIA),
    stop: async () => media.is("down", MEDIA),
    healthy: () => media.isUp(MEDIA),
  });
  const release = (broken: boolean) => ({ tag: API_NOW, program: api(backend, broken) });
  const before = { tag: API_BEFORE, program: api(backend) };
  const wishes = (broken: boolean) => [
    { service: "postgres", image: { tag: "postgres:15", program: server(databases.primary) } },
    { service: "postgres-replica", image: { tag: "postgres:15-replica", program: server(databases.standby) } },
    { service: IDLE, image: { tag: "postgres:15-scratch", program: server(databases.scratch) } },
    { service: "pgbouncer", image: { tag: "pgbouncer:1.18", program: pooler } },
    { service: "redis", image: { tag: "redis:7", program: redis } },
    { service: "minio", image: { tag: "minio:2025", program: minio } },
    { service: "api", image: broken ? { ...release(true), tag: `${API_NOW}-broken` } : release(false) },
    { service: "api-standby", image: { tag: API_NOW, program: api(backend) } },
    { service: "websocket", image: { tag: "registry.sav3.test/websocket:1.42.0", program: web } },
    { service: "worker", image: { tag: "registry.sav3.test/worker:1.42.0", program: web } },
    { service: "prometheus", image: { tag: "prometheus:2", program: prometheus(url("api"), () => traefik.url) } },
    { service: "grafana", image: { tag: "grafana:11", program: web } },
    { service: "alertmanager", image: { tag: "alertmanager:0.27", program: web } },
  ];
  for (const { service, image } of wishes(false))
    await docker.up({ project: PROJECT, service, image, ports: own(service), stopped: service === IDLE });
  docker.publish(before);
  const traefikFile = join(folder, "traefik.yml");
  const lead = () => writeFile(traefikFile, routes(url("api")));
  await lead();
  const traefik = await createTraefik({ file: traefikFile });

  function own(service: string): readonly number[] {
    const port = ports[service];
    return port === undefined ? [] : [port];
  }

  return {
    docker,
    traefik,
    traefikFile,
    backend,
    apiUrl: url("api"),
    standbyApiUrl: url("api-standby"),
    monitoringUrls: { prometheus: url("prometheus"), grafana: url("grafana"), alertmanager: url("alertmanager") },
    apiBefore: byDigest(imageOf(before)),
    cache: () => cache,
    async reset({ broken = false } = {}) {
      docker.faults.clear();
      backend.state.readonly = false;
      backend.state.settings = settingsOf(media);
      for (const { service, image } of wishes(broken)) {
        const found = docker.containers().find((one) => one.name === `${PROJECT}-${service}-1`);
        if (service === IDLE && found) {
          await tellEngine(docker, "POST", `/containers/${found.id}/stop?t=1`);
          continue;
        }
        if (found?.reference === image.tag) {
          if (found.state !== "running") await tellEngine(docker, "POST", `/containers/${found.id}/start`);
          continue;
        }
        if (found) {
          await tellEngine(docker, "POST", `/containers/${found.id}/stop?t=1`);
          await tellEngine(docker, "DELETE", `/containers/${found.id}`);
        }
        await docker.up({ project: PROJECT, service, image, ports: own(service) });
      }
      await Promise.all([redis, pooler].map((program) => program({} as never)));
      await lead();
      docker.forget();
      await soon("every container being healthy", async () =>
        running(docker).every((one) => one.health === "healthy" || (broken && one.name === `${PROJECT}-api-1`)),
      );
    },
    async stop(...services) {
      for (const service of services) await tellEngine(docker, "POST", `/containers/${PROJECT}-${service}-1/stop?t=1`);
      docker.forget();
    },
    async start(...services) {
      for (const service of services) await tellEngine(docker, "POST", `/containers/${PROJECT}-${service}-1/start`);
      docker.forget();
    },
    async burn() {
      for (const { id } of docker.containers()) await tellEngine(docker, "POST", `/containers/${id}/stop?t=1`);
      docker.forget();
      docker.faults.throw({ kind: "down" });
    },
    async close() {
      await traefik.close();
      await docker.close();
    },
  };
}

export function settingsOf({ s3 }: Media): Record<string, string> {
  return { MEDIA_BUCKET: MEDIA, MEDIA_REGION, MEDIA_ENDPOINT: s3.url };
}

function routes(api: string): string {
  return `# Written by hand; Lifeboat changes where services lead.
http:
  routers:
    api:
      rule: "PathPrefix(\`/\`)"
      service: api
  services:
    api:
      loadBalancer:
        servers:
          - url: ${api}
`;
}

/** Everything but what only runs while someone looks at a restored backup. */
function running(docker: PracticeDocker) {
  return docker.containers().filter(({ name }) => name !== `${PROJECT}-${IDLE}-1`);
}

/** What Prometheus says of the one thing it scrapes, and of what users get: all of their requests fail, or none does. */
function prometheus(api: string, users: () => string): Program {
  const isWell = (url: string) =>
    fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  return async (about) => {
    const server = await listening(
      async (incoming, response) => {
        const { pathname, searchParams } = requestUrl(incoming);
        const { status = 200, body } = pathname.endsWith("/query")
          ? await failing(searchParams.get("query"))
          : await targets();
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      },
      { port: about.ports[0] ?? 0 },
    );
    async function targets(): Promise<PlainTurn> {
      const health = (await isWell(api)) ? "up" : "down";
      return { body: { status: "success", data: { activeTargets: [{ labels: { job: "api" }, health }] } } };
    }
    async function failing(query: string | null): Promise<PlainTurn> {
      const share = (await isWell(users())) ? "0" : "1";
      return answerQuery(query, (text) => (text.includes("http_requests_total") ? { vector: [[{}, share]] } : null));
    }
    return { healthy: () => server.isOpen(), stop: () => server.close() };
  };
}

async function portsFor(services: readonly string[]): Promise<Record<string, number>> {
  const ports: Record<string, number> = {};
  for (const service of services) ports[service] = await freePort();
  return ports;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
