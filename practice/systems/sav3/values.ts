import type { StandInServer } from "../../kit/server.ts";
import type { ArchivedHost } from "../../targets/pgbackrest/index.ts";
import type { PracticePgBouncer } from "../../targets/pgbouncer/index.ts";
import type { Databases } from "./databases.ts";
import type { Media } from "./media.ts";
import { DATABASE, MEDIA, MEDIA_BACKUP, MEDIA_BACKUP_REGION, MEDIA_NEW_REGION, PROJECT } from "./names.ts";
import type { Stack } from "./stack.ts";
import type { Traffic } from "./traffic.ts";

interface Parts {
  readonly databases: Databases;
  readonly bouncer: PracticePgBouncer;
  readonly media: Media;
  readonly stack: Stack;
  readonly traffic: Traffic;
  readonly agent: StandInServer;
  readonly systemIdentifier: string;
  readonly exportsFolder: string;
}

/** What the system's variables are here, as an installation would write them down. */
export function valuesOf(parts: Parts) {
  const { databases, bouncer, media, stack, traffic, agent, systemIdentifier, exportsFolder } = parts;
  const { primary, standby, replacement, scratch } = databases;
  return {
    ...serverValues("a", primary),
    ...serverValues("b", standby),
    systemIdentifier,
    exportsFolder,
    database: DATABASE,
    poolHost: "127.0.0.1",
    poolPort: bouncer.port,
    poolUser: bouncer.login.user,
    hostsUrl: agent.url,
    backupAccount: primary.input.runAs,
    stanza: primary.input.stanza,
    scratchHost: "127.0.0.1",
    scratchPort: scratch.port,
    scratchBackupConfig: scratch.input.config,
    scratchDataFolder: scratch.input.data,
    newBackupConfig: replacement.input.config,
    newDataFolder: replacement.input.data,
    newCopiesFolder: replacement.copies,
    newMediaRegion: MEDIA_NEW_REGION,
    repositoryConfig: replacement.input.config,
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
    ...Object.fromEntries(Object.entries(stack.monitoringUrls).map(([name, url]) => [`${name}Url`, url])),
  };
}

function serverValues(letter: "a" | "b", { name, port, slot, input, copies }: ArchivedHost) {
  const values = {
    Name: name,
    Host: "127.0.0.1",
    Port: port,
    Slot: slot,
    BackupConfig: input.config,
    DataFolder: input.data,
    CopiesFolder: copies,
  };
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${letter}${key}`, value]));
}
