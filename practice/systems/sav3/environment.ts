import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LifeboatError } from "../../../src/lib/errors.ts";
import { openFleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";
import { ledgerOn, watchServers } from "../../environment/servers.ts";
import type { SystemEnvironment, SystemEnvironmentOptions } from "../../environment/system-environment.ts";
import type { StandInServer } from "../../kit/server.ts";
import { type PracticePgBouncer, startPgBouncer } from "../../targets/pgbouncer/index.ts";
import { createAgent } from "./agent.ts";
import { createDatabases, type Databases } from "./databases.ts";
import { createMachines, type NewMachines } from "./machines.ts";
import { createMedia, type Media } from "./media.ts";
import { DATABASE, MEDIA, MEDIA_BACKUP, MEDIA_BACKUP_REGION, MONITORING } from "./names.ts";
import { createStack, type Stack } from "./stack.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { valuesOf } from "./values.ts";

/** SAV3: PostgreSQL with pgBackRest behind PgBouncer, a compose project behind Traefik, media in two places, and people who post. */
export interface Sav3Environment extends SystemEnvironment {
  readonly databases: Databases;
  readonly bouncer: PracticePgBouncer;
  readonly media: Media;
  readonly stack: Stack;
  readonly traffic: Traffic;
  readonly agent: StandInServer;
  /** What people make on the night everything is lost; nothing runs there before. */
  readonly machines: NewMachines;
}

export async function createSav3(options: SystemEnvironmentOptions): Promise<Sav3Environment> {
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
      () => databases.scratch.kill(),
      () => databases.replacement.kill(),
      () => databases.standby.kill(),
      () => databases.primary.kill(),
    );
    await databases.create();
    const users = [
      { user: "app", password: passwords.app },
      { user: "admin", password: passwords.admin },
    ];
    const bouncer = await startPgBouncer({
      database: DATABASE,
      target: { host: "127.0.0.1", port: databases.primary.port, database: DATABASE },
      ...{ login: pool, users },
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
    const machines = await createMachines({
      ...{ folder, fleet, media, pool, users, appPassword: passwords.app },
      database: databases.replacement,
      empty: () => databases.empty(databases.replacement),
    });
    closers.push(() => machines.close());
    await Promise.all([databases.replacement, databases.scratch].map((host) => databases.empty(host)));
    const parts: Parts = { databases, bouncer, media, stack, traffic, agent, machines };
    const valuesFile = join(folder, "values.yml");
    const exportsFolder = join(folder, "exports");
    await mkdir(exportsFolder);
    // A pair that had to be made again is another cluster.
    const writeValues = async () => {
      const systemIdentifier = await databases.systemIdentifier();
      await writeFile(valuesFile, JSON.stringify({ sav3: valuesOf({ ...parts, systemIdentifier, exportsFolder }) }));
    };
    await writeValues();
    let lastGood: string | null = null;
    const watch = watchServers();
    closers.push(() => watch.close());
    const servers = () =>
      [databases.primary, databases.standby, databases.replacement]
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
        await writeValues();
        await posting(traffic);
        // On any day there are posts in what could be restored.
        await databases.archived();
      },
      writers,
      healthy: () => isPosted(stack.traefik.url),
      ledger: async () => ledgerOn(servers(), await writers(), "posts", traffic.acknowledged),
      writeOff: async (ids) => traffic.writeOff(ids),
      async prepare(runbook, mode) {
        await reset(parts, runbook === "service-rollback");
        await writeValues();
        if (runbook !== "service-rollback") await posting(traffic);
        lastGood = await prepare(parts, runbook, mode);
      },
      inputs(runbook): Record<string, string> {
        if (runbook === "service-rollback") return { image: stack.apiBefore };
        if (runbook === "full-recovery") return machines.inputs;
        return runbook === "db-restore-moment" && lastGood !== null ? { to: lastGood } : {};
      },
      byHand: (runbook, step) => byHand(parts, runbook, step),
      injectable: [
        { id: "kill-primary", title: "Kill the primary database" },
        { id: "start-old", title: "Start the old primary again", returns: true },
        { id: "lose-media", title: "Make the media storage in use unreachable" },
        { id: "return-media", title: "Bring both media storages back", returns: true },
        { id: "crash-api", title: "Crash the API" },
        { id: "stop-api", title: "Stop the first API" },
        { id: "start-api", title: "Start the first API again", returns: true },
        { id: "damage", title: "Delete posts by mistake" },
        { id: "lose-databases", title: "Lose both database servers" },
        { id: "burn", title: "Lose every machine" },
      ],
      inject: (id) => injectFault(parts, id),
      look: () => look(parts),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Parts = Pick<Sav3Environment, "databases" | "bouncer" | "media" | "stack" | "traffic" | "agent" | "machines">;

async function reset({ databases, bouncer, media, stack, traffic, machines }: Parts, broken: boolean): Promise<void> {
  traffic.pause(true);
  // No one may wait for a PgBouncer that an earlier run left paused.
  await bouncer.halt();
  await machines.reset();
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
  switch (runbook) {
    case "db-failover":
      if (mode === "unplanned") await injectFault(parts, "kill-primary");
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
      await injectFault(parts, "lose-databases");
      return null;
    case "new-machines":
    case "full-recovery":
      await injectFault(parts, "burn");
      return null;
    case "db-restore-moment":
      return await damaged(parts);
    case "media-switch":
      if (mode === "unplanned") await injectFault(parts, "lose-media");
      return null;
    case "media-restore":
      media.clear(MEDIA);
      stack.backend.state.settings = {
        MEDIA_BUCKET: MEDIA_BACKUP,
        MEDIA_REGION: MEDIA_BACKUP_REGION,
        MEDIA_ENDPOINT: media.s3.url,
      };
      return null;
    case "traefik-switch":
      if (mode === "unplanned") await injectFault(parts, "stop-api");
      return null;
    case "validate-daily":
      await databases.archived();
      return null;
    case "monitoring-restore":
      await stack.stop(...MONITORING);
      return null;
    default:
      return null;
  }
}

/** A migration that went wrong. @returns the moment right before it */
async function damaged({ databases, traffic }: Parts): Promise<string> {
  traffic.pause(true);
  const host = (await databases.writer()) ?? databases.primary;
  const [row] = await databases.sql(host, "select clock_timestamp()::text as at");
  const at = new Date(String(row?.at)).toISOString();
  await databases.sql(host, "delete from posts");
  await databases.archived();
  return at;
}

async function byHand(parts: Parts, runbook: string, step: string): Promise<void> {
  if (runbook !== "weekly-drill") return;
  if (step.endsWith("break-database")) await injectFault(parts, "kill-primary");
  if (step.endsWith("break-media")) await injectFault(parts, "lose-media");
  if (step.endsWith("mend-media")) await injectFault(parts, "return-media");
  if (step.endsWith("break-service")) await injectFault(parts, "crash-api");
}

const FAULTS: Readonly<Record<string, (parts: Parts) => Promise<void> | void>> = {
  "kill-primary": async ({ databases }) => (await databases.writer())?.kill(),
  "start-old": async ({ databases: { primary, standby } }) => {
    for (const host of [primary, standby]) if (!host.running) await host.start();
  },
  "lose-media": ({ media, stack }) => media.is("down", stack.backend.state.settings.MEDIA_BUCKET ?? MEDIA),
  "return-media": ({ media }) => {
    for (const bucket of [MEDIA, MEDIA_BACKUP]) media.is("up", bucket);
  },
  "crash-api": ({ stack }) => stack.docker.crash("sav3-api-1"),
  "stop-api": ({ stack }) => stack.stop("api"),
  "start-api": ({ stack }) => stack.start("api"),
  damage: async (parts) => {
    await damaged(parts);
    parts.traffic.pause(false);
  },
  "lose-databases": async ({ databases, traffic }) => {
    await databases.archived();
    await posting(traffic);
    traffic.pause(true);
    await databases.destroy();
    traffic.pause(false);
  },
  burn: async ({ databases, media, stack, traffic }) => {
    await databases.archived();
    await posting(traffic);
    traffic.pause(true);
    await databases.destroy();
    await stack.burn();
    media.clear(MEDIA);
    traffic.pause(false);
  },
};

async function injectFault(parts: Parts, id: string): Promise<void> {
  const known = FAULTS[id];
  if (known === undefined) throw new LifeboatError({ code: "fault-unknown", what: `Nothing here is called "${id}"` });
  await known(parts);
}

const POST_MS = 4000;

/** Someone posts by way of Traefik, whether others do or not. */
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
  await soon("posts being stored", async () => acknowledged.length > from + 5);
}

async function look({ databases, bouncer, media, stack, traffic }: Parts) {
  const { primary, standby } = databases;
  const lately = traffic.acknowledged.filter(({ at }) => Date.parse(at) > Date.now() - 1000).length;
  const down = stack.docker.containers().filter((one) => one.state === "exited").length;
  return [
    { title: primary.name, state: primary.running ? "runs" : "off", tone: primary.running ? "well" : "broken" },
    { title: standby.name, state: standby.running ? "runs" : "off", tone: standby.running ? "well" : "doubtful" },
    { title: "PgBouncer", state: bouncer.member.running ? "runs" : "off" },
    { title: "Media in use", state: stack.backend.state.settings.MEDIA_BUCKET ?? "none" },
    { title: "MinIO", state: `${media.keys(MEDIA).length} objects`, tone: media.isUp(MEDIA) ? "well" : "broken" },
    { title: "Compose", state: down === 0 ? "everything runs" : `${down} containers are down` },
    { title: "People", state: `${lately} posts a second`, tone: lately > 0 ? "well" : "broken" },
  ] as const;
}
