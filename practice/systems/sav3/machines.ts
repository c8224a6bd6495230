import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { freePort } from "../../../src/lib/port.ts";
import type { Fleet } from "../../environment/fleet.ts";
import { createDocker, managed, type PracticeDocker, type Program, web } from "../../targets/docker/index.ts";
import type { ArchivedHost } from "../../targets/pgbackrest/index.ts";
import { type PracticePgBouncer, startPgBouncer } from "../../targets/pgbouncer/index.ts";
import { type RedisNode, startRedisNode } from "../../targets/redis/index.ts";
import { api, type Backend } from "./api.ts";
import { tellEngine } from "./engine.ts";
import type { Media } from "./media.ts";
import { API_NOW, DATABASE, MEDIA_NEW, MEDIA_NEW_REGION, MONITORING, PROJECT } from "./names.ts";

/**
 * New machines, as people make them on the night the old ones are lost: an engine of their own, with every service of the project
 * created and none started, an empty database host and an empty MinIO. Nothing of theirs leads to the old ones.
 */
export interface NewMachines {
  readonly docker: PracticeDocker;
  /** What is typed about them, by input of the runbook. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Nothing runs on them, and what they held is gone. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface MachinesOptions {
  readonly folder: string;
  readonly fleet: Fleet;
  /** A data folder that is empty until it is restored to. */
  readonly database: ArchivedHost;
  /** Makes it so again. */
  readonly empty: () => Promise<void>;
  readonly media: Media;
  readonly pool: { readonly user: string; readonly password: string };
  readonly users: readonly { readonly user: string; readonly password: string }[];
  readonly appPassword: string;
}

export async function createMachines(options: MachinesOptions): Promise<NewMachines> {
  const { folder, fleet, database, media } = options;
  const target = { host: "127.0.0.1", port: database.port, database: DATABASE };
  const bouncer = await startPgBouncer({ database: DATABASE, target, login: options.pool, users: options.users });
  await bouncer.halt();
  const cachePort = await freePort();
  let cache: RedisNode | null = null;
  const backend: Backend = {
    poolPort: () => bouncer.port,
    password: options.appPassword,
    media,
    cache: () => {
      if (cache === null) throw new TypeError("Redis was not started.");
      return cache;
    },
    token: randomBytes(12).toString("hex"),
    settingsPassword: randomBytes(12).toString("hex"),
    state: {
      readonly: false,
      settings: { MEDIA_BUCKET: MEDIA_NEW, MEDIA_REGION: MEDIA_NEW_REGION, MEDIA_ENDPOINT: media.s3.url },
    },
  };
  const redis = managed({
    async start() {
      cache = await startRedisNode(fleet, "media-cache-new", undefined, cachePort);
    },
    async stop() {
      await cache?.member.kill();
    },
    healthy: () => cache?.member.running === true,
  });
  const apiPort = await freePort();
  const docker = await createDocker({ socket: join(folder, "new-docker.sock") });
  for (const [service, program] of programs({ database, bouncer, redis, media, backend })) {
    const image = { tag: service === "api" ? API_NOW : `${service}:new`, program };
    await docker.up({ project: PROJECT, service, image, ports: service === "api" ? [apiPort] : [], stopped: true });
  }
  return {
    docker,
    inputs: {
      socket: docker.socket,
      engineId: docker.id,
      host: "127.0.0.1",
      databasePort: String(database.port),
      apiPort: String(apiPort),
      mediaPort: new URL(media.s3.url).port,
      mediaBucket: MEDIA_NEW,
    },
    async reset() {
      for (const { id, state } of docker.containers())
        if (state === "running") await tellEngine(docker, "POST", `/containers/${id}/stop?t=1`);
      await options.empty();
      media.clear(MEDIA_NEW);
      docker.forget();
    },
    async close() {
      await docker.close();
      await bouncer.stop();
    },
  };
}

interface Parts {
  readonly database: ArchivedHost;
  readonly bouncer: PracticePgBouncer;
  readonly redis: Program;
  readonly media: Media;
  readonly backend: Backend;
}

function programs({ database, bouncer, redis, media, backend }: Parts): readonly (readonly [string, Program])[] {
  return [
    [
      "postgres",
      managed({ start: () => database.start(), stop: () => database.stop(), healthy: () => database.running }),
    ],
    [
      "pgbouncer",
      managed({ start: () => bouncer.run(), stop: () => bouncer.halt(), healthy: () => bouncer.member.running }),
    ],
    ["redis", redis],
    [
      "minio",
      managed({
        start: async () => media.is("up", MEDIA_NEW),
        stop: async () => media.is("down", MEDIA_NEW),
        healthy: () => media.isUp(MEDIA_NEW),
      }),
    ],
    ["api", api(backend)],
    ["websocket", web],
    ["worker", web],
    ...MONITORING.map((service) => [service, web] as const),
  ];
}
