import type { Door } from "../door.ts";
import type { PgBouncerEstate } from "../pgbouncer/index.ts";
import type { Databases } from "./databases.ts";
import type { Media } from "./media.ts";
import { DATABASE, MEDIA, MEDIA_BACKUP, MEDIA_BACKUP_REGION, PROJECT } from "./names.ts";
import type { Stack } from "./stack.ts";
import type { Traffic } from "./traffic.ts";

interface Parts {
  readonly databases: Databases;
  readonly bouncer: PgBouncerEstate;
  readonly media: Media;
  readonly stack: Stack;
  readonly traffic: Traffic;
  readonly agent: Door;
}

/** What the system's variables are here, as an installation would write them down. */
export function valuesOf({ databases, bouncer, media, stack, traffic, agent }: Parts) {
  const { primary, standby } = databases;
  return {
    primaryName: primary.name,
    primaryHost: "127.0.0.1",
    primaryPort: primary.port,
    standbyName: standby.name,
    standbyHost: "127.0.0.1",
    standbyPort: standby.port,
    primarySlot: primary.slot,
    database: DATABASE,
    poolHost: "127.0.0.1",
    poolPort: bouncer.port,
    poolUser: bouncer.login.user,
    hostsUrl: agent.url,
    backupAccount: primary.input.runAs,
    backupConfig: primary.input.config,
    stanza: primary.input.stanza,
    dataFolder: primary.input.data,
    copiesFolder: primary.copies,
    dockerSocket: stack.docker.socket,
    dockerId: stack.docker.id,
    project: PROJECT,
    stableSeconds: 1,
    apiUrl: stack.apiUrl,
    standbyApiUrl: stack.standbyApiUrl,
    publicUrl: stack.traefik.url,
    ledgerUrl: traffic.ledgerUrl,
    traefikFile: stack.traefikFile,
    traefikApi: stack.traefik.api,
    mediaBucket: MEDIA,
    mediaEndpoint: media.s3.url,
    mediaBackupBucket: MEDIA_BACKUP,
    mediaBackupRegion: MEDIA_BACKUP_REGION,
    mediaBackupEndpoint: media.s3.url,
    cacheHost: "127.0.0.1",
    cachePort: stack.cache().port,
    ...Object.fromEntries(Object.entries(stack.monitoringUrls).map(([name, url]) => [`${name}Url`, url])),
  };
}
