import type { Search } from "../search/index.ts";
import { arcEndpoints, type Cloud } from "./cloud.ts";
import type { Clusters } from "./clusters.ts";
import type { Databases } from "./databases.ts";
import {
  ACCOUNT,
  ADDRESS,
  ASIDE,
  BUCKETS,
  CONTROLS,
  EAST,
  endpointOf,
  FAILBACK,
  GROUPS,
  PRIMARY,
  REPLICA,
  RESTORED,
  WEST,
  ZONE,
} from "./names.ts";
import type { Traffic } from "./traffic.ts";

interface Parts {
  readonly databases: Databases;
  readonly cloud: Cloud;
  readonly clusters: Clusters;
  readonly search: Search;
  readonly traffic: Traffic;
}

/** What the system's variables are here, as an installation would write them down. */
export function valuesOf({ databases, cloud, clusters, search, traffic }: Parts) {
  const { aws } = cloud;
  const { primary, replica, spare } = databases;
  const arc = Object.fromEntries(arcEndpoints(aws).map(({ url }, i) => [`arcEndpoint${i + 1}`, url]));
  return {
    account: ACCOUNT,
    pollSeconds: 0.1,
    primaryInstance: PRIMARY,
    drInstance: REPLICA,
    failbackInstance: FAILBACK,
    restoredInstance: RESTORED,
    asideInstance: ASIDE,
    primaryParameters: GROUPS.east,
    drParameters: GROUPS.west,
    failbackParameters: `${GROUPS.east}-failback`,
    kmsKey: `arn:aws:kms:us-east-1:${ACCOUNT}:key/practice`,
    restoredParameters: GROUPS.east,
    subnetGroup: "default",
    securityGroup: "sg-marketplace",
    primaryHost: "127.0.0.1",
    primaryPort: primary.port,
    drHost: "127.0.0.1",
    drPort: replica.port,
    failbackHost: "127.0.0.1",
    failbackPort: spare.port,
    restoredHost: "127.0.0.1",
    restoredPort: spare.port,
    primaryEndpoint: endpointOf(EAST, PRIMARY),
    drEndpoint: endpointOf(WEST, REPLICA),
    failbackEndpoint: endpointOf(EAST, FAILBACK),
    primaryClusterUid: clusters.primary.uid,
    drClusterUid: clusters.dr.uid,
    primaryUrl: traffic.eastUrl,
    drUrl: traffic.westUrl,
    publicUrl: traffic.publicUrl,
    ledgerUrl: traffic.ledgerUrl,
    publicName: "api.llm-marketplace.test",
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
    searchDrUrl: search.cluster("dr").url,
    searchDrUuid: search.cluster("dr").world.uuid,
    searchCountMin: 1,
    backupBucket: BUCKETS.east,
    backupBucketDr: BUCKETS.west,
  };
}
