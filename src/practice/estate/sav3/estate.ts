import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LifeboatError } from "../../../lib/errors.ts";
import type { Door } from "../door.ts";
import { openFleet, soon } from "../fleet.ts";
import { type PgBouncerEstate, startPgBouncer } from "../pgbouncer/index.ts";
import { ledgerOn, watchServers } from "../servers.ts";
import type { SystemEstate, SystemEstateOptions } from "../system-estate.ts";
import { createAgent } from "./agent.ts";
import { createDatabases, type Databases } from "./databases.ts";
import { createMedia, type Media } from "./media.ts";
import { DATABASE, MEDIA, MEDIA_BACKUP, MEDIA_BACKUP_REGION, MONITORING, SERVICES } from "./names.ts";
import { createStack, type Stack } from "./stack.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { valuesOf } from "./values.ts";

/** SAV3: PostgreSQL with pgBackRest behind PgBouncer, a compose project behind Traefik, media in two places, and people who post. */
export interface Sav3Estate extends SystemEstate {
  readonly databases: Databases;
  readonly bouncer: PgBouncerEstate;
  readonly media: Media;
  readonly stack: Stack;
  readonly traffic: Traffic;
  readonly agent: Door;
}

export async function createSav3(options: SystemEstateOptions): Promise<Sav3Estate> {
  const folder = resolve(options.folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  const word = () => randomBytes(12).toString("hex");
  const passwords = { owner: word(), replicator: word(), admin: word(), app: word() };
  const pool = { user: "pooladmin", password: word() };
  const token = word();
  const fleet = await openFleet("sav3");
  const closers: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true }), () => fleet.stop()];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close().catch(() => {});
  };
  try {
    const databases = await createDatabases(fleet, passwords);
    closers.push(
      () => databases.standby.kill(),
      () => databases.primary.kill(),
    );
    await databases.create();
    const bouncer = await startPgBouncer({
      database: DATABASE,
      target: { host: "127.0.0.1", port: databases.primary.port, database: DATABASE },
      login: pool,
      users: [
        { user: "app", password: passwords.app },
        { user: "admin", password: passwords.admin },
      ],
    });
    closers.push(() => bouncer.stop());
    const media = await createMedia();
    closers.push(() => media.close());
    const stack = await createStack({ folder, fleet, databases, bouncer, media, appPassword: passwords.app });
    closers.push(() => stack.close());
    const agent = await createAgent(databases, bouncer, token);
    closers.push(() => agent.close());
    const traffic = await createTraffic(() => stack.traefik.url);
    closers.push(() => traffic.close());
    const parts: Parts = { databases, bouncer, media, stack, traffic, agent };
    const valuesFile = join(folder, "values.yml");
    await writeFile(valuesFile, JSON.stringify({ sav3: valuesOf(parts) }, null, 2));
    let lastGood: string | null = null;
    const watch = watchServers();
    closers.push(() => watch.close());
    const servers = () =>
      [databases.primary, databases.standby]
        .filter(({ running }) => running)
        .map((host) => ({ name: host.name, database: DATABASE, port: host.port, url: host.url(), role: "app" }));
    const writers = () => watch.writers(servers());
    return {
      ...parts,
      parts: [
        { title: "PostgreSQL 15, primary and standby", kind: "real" },
        { title: "pgBackRest repository", kind: "real" },
        { title: "PgBouncer", kind: "real" },
        { title: "Redis, the media cache", kind: "real" },
        { title: "API with people who post", kind: "real" },
        { title: "Docker Compose", kind: "stand-in" },
        { title: "Traefik", kind: "stand-in" },
        { title: "MinIO and S3", kind: "stand-in" },
        { title: "Prometheus, Grafana, Alertmanager", kind: "stand-in" },
      ],
      handle: () => false,
      environment: () => ({
        LIFEBOAT_VALUES: valuesFile,
        SAV3_DB_PASSWORD: passwords.admin,
        SAV3_APP_PASSWORD: passwords.app,
        SAV3_POOL_PASSWORD: pool.password,
        SAV3_HOSTS_TOKEN: token,
        SAV3_API_TOKEN: stack.backend.token,
        SAV3_MINIO_KEYS: "practice:practice",
        SAV3_S3_KEYS: "practice:practice",
        SAV3_SETTINGS_PASSWORD: stack.backend.settingsPassword,
      }),
      async reset() {
        await reset(parts, false);
        await posting(traffic);
      },
      writers,
      healthy: () => isPosted(stack.traefik.url),
      ledger: async () => ledgerOn(servers(), await writers(), "posts", traffic.acknowledged),
      writeOff: async (ids) => traffic.writeOff(ids),
      async prepare(runbook, mode) {
        lastGood = await prepare(parts, runbook, mode);
      },
      inputs(runbook): Record<string, string> {
        if (runbook === "service-rollback") return { image: stack.apiBefore };
        return runbook === "db-restore-moment" && lastGood !== null ? { to: lastGood } : {};
      },
      byHand: (runbook, step) => byHand(parts, runbook, step),
      strikes: [
        { id: "kill-primary", title: "Kill the primary database" },
        { id: "start-old", title: "Start the old primary again", returns: true },
        { id: "lose-media", title: "Make MinIO unreachable" },
        { id: "crash-api", title: "Crash the API" },
      ],
      strike: (id) => strike(parts, id),
      look: () => look(parts),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Parts = Pick<Sav3Estate, "databases" | "bouncer" | "media" | "stack" | "traffic" | "agent">;

async function reset({ databases, bouncer, media, stack, traffic }: Parts, broken: boolean): Promise<void> {
  traffic.pause(true);
  // Nobody may wait for a PgBouncer that an earlier run left paused.
  await bouncer.halt();
  await databases.reset();
  await bouncer.lead({ host: "127.0.0.1", port: databases.primary.port, database: DATABASE });
  await bouncer.run();
  await media.reset();
  await stack.reset({ broken });
  traffic.forget();
  traffic.pause(false);
}

/** @returns the moment to be restored to, where the runbook is about one */
async function prepare(parts: Parts, runbook: string, mode: "planned" | "unplanned"): Promise<string | null> {
  const { databases, media, stack, traffic, bouncer } = parts;
  await reset(parts, runbook === "service-rollback");
  if (runbook !== "service-rollback") await posting(traffic);
  switch (runbook) {
    case "db-failover":
      if (mode === "unplanned") await databases.primary.kill();
      return null;
    case "db-rebuild-primary":
      traffic.pause(true);
      await bouncer.halt();
      await databases.moved();
      await bouncer.lead({ host: "127.0.0.1", port: databases.standby.port, database: DATABASE });
      await bouncer.run();
      traffic.pause(false);
      return null;
    case "db-restore":
    case "full-recovery":
      await databases.archived();
      await posting(traffic);
      traffic.pause(true);
      await databases.destroy();
      if (runbook === "full-recovery") {
        await stack.stop(...SERVICES, ...MONITORING, "pgbouncer", "redis", "minio");
        media.lose();
      }
      traffic.pause(false);
      return null;
    case "db-restore-moment": {
      traffic.pause(true);
      const [row] = await databases.sql(databases.primary, "select clock_timestamp()::text as at");
      const at = new Date(String(row?.at)).toISOString();
      // A migration that went wrong.
      await databases.sql(databases.primary, "delete from posts");
      await databases.archived();
      return at;
    }
    case "media-switch":
      if (mode === "unplanned") media.minioIs("down");
      return null;
    case "media-restore":
      media.lose();
      stack.backend.state.settings = {
        MEDIA_BUCKET: MEDIA_BACKUP,
        MEDIA_REGION: MEDIA_BACKUP_REGION,
        MEDIA_ENDPOINT: media.s3.url,
      };
      return null;
    case "monitoring-restore":
      await stack.stop(...MONITORING);
      return null;
    default:
      return null;
  }
}

async function byHand({ databases, media, stack }: Parts, runbook: string, step: string): Promise<void> {
  if (runbook === "full-recovery" && step.endsWith("host-ready")) return;
  if (runbook !== "weekly-drill") return;
  if (step.endsWith("break-database")) await databases.primary.kill();
  if (step.endsWith("break-media")) media.minioIs("down");
  if (step.endsWith("break-service")) await stack.docker.crash("sav3-api-1");
}

async function strike({ databases, media, stack }: Parts, id: string): Promise<void> {
  if (id === "kill-primary") return databases.primary.kill();
  if (id === "start-old") return databases.primary.start();
  if (id === "lose-media") return media.minioIs("down");
  if (id === "crash-api") return stack.docker.crash("sav3-api-1");
  throw new LifeboatError({ code: "strike-unknown", what: `Nothing here is called "${id}"` });
}

const POST_MS = 4000;

/** Somebody posts by way of Traefik, whether others do or not. */
async function isPosted(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/posts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id: String(Date.now() * 1000 + 999_999) }),
    signal: AbortSignal.timeout(POST_MS),
  }).catch(() => null);
  return answer?.status === 201;
}

async function posting({ acknowledged }: { readonly acknowledged: readonly unknown[] }): Promise<void> {
  const from = acknowledged.length;
  await soon("posts being stored", 15, async () => acknowledged.length > from + 5);
}

async function look({ databases, bouncer, media, stack, traffic }: Parts) {
  const { primary, standby } = databases;
  const lately = traffic.acknowledged.filter(({ at }) => Date.parse(at) > Date.now() - 1000).length;
  const down = stack.docker.containers().filter((one) => one.state !== "running").length;
  return [
    { title: primary.name, state: primary.running ? "runs" : "off", tone: primary.running ? "well" : "broken" },
    { title: standby.name, state: standby.running ? "runs" : "off", tone: standby.running ? "well" : "doubtful" },
    { title: "PgBouncer", state: bouncer.member.running ? "runs" : "off" },
    { title: "MinIO", state: `${media.keys(MEDIA).length} objects` },
    { title: "Compose", state: down === 0 ? "everything runs" : `${down} containers are down` },
    { title: "People", state: `${lately} posts a second`, tone: lately > 0 ? "well" : "broken" },
  ] as const;
}
