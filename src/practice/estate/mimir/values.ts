import type { Door } from "../door.ts";
import type { Backups } from "./backups.ts";
import type { Cache } from "./cache.ts";
import { arcEndpoints, type Cloud } from "./cloud.ts";
import type { Clusters } from "./clusters.ts";
import type { Databases } from "./databases.ts";
import { ACCOUNT, ADDRESS, CONTROLS, MEDIA, PUBLIC_NAME, ZONE } from "./names.ts";
import type { Traffic } from "./traffic.ts";

interface Parts {
  readonly databases: Databases;
  readonly cloud: Cloud;
  readonly clusters: Clusters;
  readonly cache: Cache;
  readonly traffic: Traffic;
  readonly backups: Backups;
  readonly agent: Door;
}

/** What the system's variables are here, as an installation would write them down. Redis moves, so it is asked each time. */
export async function valuesOf({ databases, cloud, clusters, cache, traffic, backups, agent }: Parts) {
  const { aws } = cloud;
  const { primary, dr, restored } = databases.at;
  const arc = Object.fromEntries(arcEndpoints(aws).map(({ url }, i) => [`arcEndpoint${i + 1}`, url]));
  const sentinels = Object.fromEntries(cache.estate.sentinels.map(({ port }, i) => [`sentinelPort${i + 1}`, port]));
  return {
    account: ACCOUNT,
    pollSeconds: 0.1,
    primaryHost: "127.0.0.1",
    primaryPort: primary.port,
    drHost: "127.0.0.1",
    drPort: dr.port,
    restoredHost: "127.0.0.1",
    restoredPort: restored.port,
    primaryClusterUid: clusters.east.uid,
    drClusterUid: clusters.west.uid,
    sentinelHost1: "127.0.0.1",
    sentinelHost2: "127.0.0.1",
    sentinelHost3: "127.0.0.1",
    ...sentinels,
    sentinelMaster: cache.estate.master,
    redisHost: "127.0.0.1",
    redisPort: (await cache.master()).port,
    redisDrHost: "127.0.0.1",
    redisDrPort: cache.dr.port,
    mediaBucket: MEDIA.east,
    mediaDrBucket: MEDIA.west,
    publicName: PUBLIC_NAME,
    publicUrl: traffic.publicUrl,
    primaryUrl: traffic.url.east,
    drUrl: traffic.url.west,
    ledgerUrl: traffic.ledgerUrl,
    primaryAddress: ADDRESS.east,
    drAddress: ADDRESS.west,
    zone: ZONE,
    nameServerHost: "127.0.0.1",
    nameServerPort: aws.nameServer.port,
    resolverHost: "127.0.0.1",
    resolverPort: aws.resolver.port,
    controlPrimary: CONTROLS.east,
    controlDr: CONTROLS.west,
    ...arc,
    backupsUrl: backups.url,
    hostsUrl: agent.url,
  };
}
