import type { Search } from "../../targets/search/index.ts";
import { arcEndpoints, type Cloud } from "./cloud.ts";
import type { Clusters } from "./clusters.ts";
import type { Databases } from "./databases.ts";
import {
  ACCOUNT,
  ADDRESS,
  ASIDE,
  BUCKETS,
  CONTROLS,
  endpointOf,
  GROUPS,
  INSTANCES,
  REGIONS,
  REPOSITORIES,
  RESTORED,
  SIDES,
  type Side,
  SYNTHETIC,
} from "./names.ts";
import type { Traffic } from "./traffic.ts";

interface Parts {
  readonly databases: Databases;
  readonly cloud: Cloud;
  readonly clusters: Clusters;
  readonly search: Search;
  readonly traffic: Traffic;
  readonly exportFolder: string;
}

/** What the system's variables are here, as an installation would write them down. */
export function valuesOf(parts: Parts) {
  const { databases, cloud, search, traffic, exportFolder } = parts;
  const { aws } = cloud;
  const arc = Object.fromEntries(arcEndpoints(aws).map(({ region, url }) => [arcName(region), url]));
  return {
    account: ACCOUNT,
    pollSeconds: 0.1,
    systemIdentifier: databases.systemIdentifier,
    restoredInstance: RESTORED,
    asideInstance: ASIDE,
    exportFolder,
    publicUrl: traffic.publicUrl,
    syntheticPath: SYNTHETIC,
    ledgerUrl: traffic.ledgerUrl,
    publicName: "api.llm-marketplace.test",
    nameServerHost: "127.0.0.1",
    nameServerPort: aws.nameServer.port,
    resolverHost: "127.0.0.1",
    resolverPort: aws.resolver.port,
    ...arc,
    searchEastRepository: REPOSITORIES.east,
    searchWestRepository: REPOSITORIES.west,
    searchEastUrl: search.cluster("east").url,
    searchEastUuid: search.cluster("east").state.uuid,
    searchWestUrl: search.cluster("west").url,
    searchWestUuid: search.cluster("west").state.uuid,
    searchCountMin: 1,
    backupBucketEast: BUCKETS.east,
    backupBucketWest: BUCKETS.west,
    ...Object.assign({}, ...SIDES.map((side) => sideValues(parts, side))),
  };
}

function sideValues({ databases, clusters, traffic }: Parts, side: Side): Record<string, string | number> {
  const region = REGIONS[side];
  return Object.fromEntries(
    Object.entries({
      Instance: INSTANCES[side],
      Host: "127.0.0.1",
      Port: databases[side].port,
      Endpoint: endpointOf(region, INSTANCES[side]),
      Parameters: GROUPS[side],
      SubnetGroup: "default",
      SecurityGroup: "sg-marketplace",
      KmsKey: `arn:aws:kms:${region}:${ACCOUNT}:key/practice`,
      RestoredHost: "127.0.0.1",
      RestoredPort: databases.spare.port,
      Context: clusters[side].name,
      ClusterUid: clusters[side].uid,
      Url: traffic.urls[side],
      Address: ADDRESS[side],
      Control: CONTROLS[side],
    }).map(([name, value]) => [`${side}${name}`, value]),
  );
}

/** `ap-southeast-2` → `arcApSoutheast2` */
function arcName(region: string): string {
  return `arc${region
    .split("-")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("")}`;
}
