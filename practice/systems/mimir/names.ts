/** What things are called at Mimir, on AWS and in its clusters. */
export const EAST = "us-east-1";
export const WEST = "us-west-2";
export type Side = "east" | "west";
export const REGION: Readonly<Record<Side, string>> = { east: EAST, west: WEST };
export const ACCOUNT = "444455556666";

export const DATABASES = {
  primary: "mimir-db-us-east-1",
  dr: "mimir-db-us-west-2",
  restored: "mimir-db-restored",
} as const;
export type Site = keyof typeof DATABASES;

export const NAMESPACE = "mimir";
export const CONFIG = "mimir-config";
export const API_REPLICAS = 3;
/** The Service each cluster reaches its database by, and the label of its selector that says which. */
export const DATABASE_SERVICE: Readonly<Record<Side, string>> = {
  east: "postgres-primary-service",
  west: "postgres-dr-primary-service",
};
export const WARM_JOB = "cache-warm";

export const ZONE = "Z0MIMIR";
export const PUBLIC_NAME = "api.mimir.test";
export const ADDRESS: Readonly<Record<Side, string>> = { east: "127.0.0.21", west: "127.0.0.22" };
const panel = `arn:aws:route53-recovery-control::${ACCOUNT}:controlpanel/mimir/routingcontrol`;
export const CONTROLS: Readonly<Record<Side, string>> = { east: `${panel}/east`, west: `${panel}/west` };
export const ARC_REGIONS = [EAST, WEST, "eu-west-1", "ap-southeast-2", "ap-northeast-1"] as const;

export const MEDIA: Readonly<Record<Side, string>> = { east: "mimir-media-us-east-1", west: "mimir-media-us-west-2" };

/** What the Sentinels of both regions call the set. */
export const SENTINEL_SET = "mimir";
