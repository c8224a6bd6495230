import type { StandInServer } from "../../kit/server.ts";
import type { Cache } from "./cache.ts";
import type { Cloud } from "./cloud.ts";
import type { Clusters } from "./clusters.ts";
import type { Databases } from "./databases.ts";
import { ACCOUNT, ADDRESS, ARC_REGIONS, CONTROLS, MEDIA, PUBLIC_NAME, SENTINEL_SET, type Side, ZONE } from "./names.ts";
import type { Traffic } from "./traffic.ts";

interface Parts {
  readonly databases: Databases;
  readonly cloud: Cloud;
  readonly clusters: Clusters;
  readonly cache: Cache;
  readonly traffic: Traffic;
  readonly agent: StandInServer;
  /** Where rows that only an old primary holds are kept. */
  readonly exports: string;
}

/** What the system's variables are here, as an installation would write them down. */
export async function valuesOf(parts: Parts): Promise<Readonly<Record<string, string | number>>> {
  const { databases, cloud, clusters, cache, traffic, agent, exports } = parts;
  const { aws } = cloud;
  const { primary, dr, restored } = databases.at;
  const arc = ARC_REGIONS.map((region) => [`arc${words(region)}`, aws.url] as const);
  const redis = (["east", "west"] as const).flatMap((side) => redisOf(cache, side));
  return {
    account: ACCOUNT,
    pollSeconds: 0.1,
    databaseIdentity: await databases.identity(),
    eastDatabaseHost: "127.0.0.1",
    eastDatabasePort: primary.port,
    westDatabaseHost: "127.0.0.1",
    westDatabasePort: dr.port,
    restoredHost: "127.0.0.1",
    restoredPort: restored.port,
    backupAccount: primary.input.runAs,
    stanza: primary.input.stanza,
    eastBackupConfig: primary.input.config,
    eastDataFolder: primary.input.data,
    eastCopiesFolder: primary.copies,
    westBackupConfig: dr.input.config,
    westDataFolder: dr.input.data,
    westCopiesFolder: dr.copies,
    restoredBackupConfig: restored.input.config,
    restoredDataFolder: restored.input.data,
    hostsUrl: agent.url,
    exportFolder: exports,
    eastClusterUid: clusters.east.uid,
    westClusterUid: clusters.west.uid,
    sentinelMaster: SENTINEL_SET,
    ...Object.fromEntries(redis),
    eastMediaBucket: MEDIA.east,
    westMediaBucket: MEDIA.west,
    publicName: PUBLIC_NAME,
    publicUrl: traffic.publicUrl,
    eastUrl: traffic.url.east,
    westUrl: traffic.url.west,
    ledgerUrl: traffic.ledgerUrl,
    eastAddress: ADDRESS.east,
    westAddress: ADDRESS.west,
    zone: ZONE,
    nameServerHost: "127.0.0.1",
    nameServerPort: aws.nameServer.port,
    resolverHost: "127.0.0.1",
    resolverPort: aws.resolver.port,
    eastControl: CONTROLS.east,
    westControl: CONTROLS.west,
    ...Object.fromEntries(arc),
  };
}

/** The cluster endpoints of ARC are one address here, told apart by the region in the signature. */
function words(region: string): string {
  return region
    .split("-")
    .map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`)
    .join("");
}

function redisOf({ at }: Cache, side: Side): readonly (readonly [string, string | number])[] {
  const { nodes, sentinels } = at[side];
  const told = sentinels.map(({ port }, i) => [`SentinelHost${i + 1}`, `SentinelPort${i + 1}`, port] as const);
  const servers = nodes.map(
    ({ port }, i) =>
      [i === 0 ? "RedisHost" : "RedisSecondHost", i === 0 ? "RedisPort" : "RedisSecondPort", port] as const,
  );
  return [...told, ...servers].flatMap(([host, name, port]) => [
    [`${side}${host}`, "127.0.0.1"] as const,
    [`${side}${name}`, port] as const,
  ]);
}
