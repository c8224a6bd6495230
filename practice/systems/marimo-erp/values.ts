import type { StandInServer } from "../../kit/server.ts";
import type { Aws } from "../../targets/aws/index.ts";
import type { Consul } from "../../targets/consul/index.ts";
import { type PracticeRabbit, USER } from "../../targets/rabbitmq/index.ts";
import type { Backups } from "./backups.ts";
import type { Databases } from "./databases.ts";
import { ACCOUNT, ADDRESS, type Datacentre, PUBLIC_NAME, USERS, ZONE } from "./names.ts";
import type { Redis } from "./redis.ts";
import type { Sites } from "./sites.ts";

export interface Parts {
  readonly databases: Databases;
  readonly sites: Sites;
  readonly aws: Aws;
  readonly rabbit: Readonly<Record<Datacentre, PracticeRabbit>>;
  readonly consul: Readonly<Record<Datacentre, Consul>>;
  readonly backups: Backups;
  readonly redis: Readonly<Record<Datacentre, Redis>>;
  readonly agent: StandInServer;
}

/** What the system's variables are here, as an installation would write them down. */
export function valuesOf(
  { databases, sites, aws, rabbit, consul, backups, redis, agent }: Parts,
  databaseIdentity: string,
) {
  const { clusters, ingress } = sites;
  return {
    primaryClusterUid: clusters.primary.uid,
    secondaryClusterUid: clusters.secondary.uid,
    databaseIdentity,
    primaryDbHost: "127.0.0.1",
    primaryDbPort: databases.a.port,
    secondaryDbHost: "127.0.0.1",
    secondaryDbPort: databases.b.port,
    hostsUrl: agent.url,
    scratchDbHost: "127.0.0.1",
    scratchDbPort: databases.scratch.port,
    restoredDbHost: "127.0.0.1",
    restoredDbPort: databases.restored.port,
    backupAccount: databases.a.input.runAs,
    stanza: databases.a.input.stanza,
    primaryBackupConfig: databases.a.input.config,
    primaryDataFolder: databases.a.input.data,
    primaryCopiesFolder: databases.a.copies,
    secondaryBackupConfig: databases.b.input.config,
    secondaryDataFolder: databases.b.input.data,
    secondaryCopiesFolder: databases.b.copies,
    restoredBackupConfig: databases.restored.input.config,
    restoredDataFolder: databases.restored.input.data,
    usersAtLeast: USERS,
    backupFolder: backups.folder,
    primaryRedisHost: "127.0.0.1",
    primaryRedisPort: redis.primary.port,
    secondaryRedisHost: "127.0.0.1",
    secondaryRedisPort: redis.secondary.port,
    primaryRabbitmqUrl: rabbit.primary.url,
    primaryRabbitmqCluster: rabbit.primary.cluster,
    secondaryRabbitmqUrl: rabbit.secondary.url,
    secondaryRabbitmqCluster: rabbit.secondary.cluster,
    rabbitmqUser: USER,
    rabbitmqDefinitions: backups.definitions,
    primaryConsulUrl: consul.primary.url,
    secondaryConsulUrl: consul.secondary.url,
    consulDatacenter: consul.primary.state.datacenter,
    consulSnapshot: backups.snapshot,
    account: ACCOUNT,
    pollSeconds: 0.1,
    zone: ZONE,
    publicName: PUBLIC_NAME,
    primaryAddress: ADDRESS.primary,
    secondaryAddress: ADDRESS.secondary,
    nameServerHost: "127.0.0.1",
    nameServerPort: aws.nameServer.port,
    resolverHost: "127.0.0.1",
    resolverPort: aws.resolver.port,
    publicUrl: sites.publicUrl,
    primaryUrl: ingress.primary,
    secondaryUrl: ingress.secondary,
  };
}

/** What someone on the night would say, by runbook. */
export function inputsOf({ clusters, ingress }: Sites): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return {
    "node-drain": { node: "node-1" },
    "service-restart": { service: "api-gateway" },
    "service-rollback": { service: "api-gateway", revision: "1" },
    "cluster-rebuild": { clusterUid: clusters.rebuilt.uid, address: ADDRESS.rebuilt, url: ingress.rebuilt },
  };
}
