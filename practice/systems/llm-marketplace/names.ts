/** What things are called at LLM-Marketplace, on AWS and in its clusters. */
export const EAST = "us-east-1";
export const WEST = "us-west-2";
export const ACCOUNT = "111122223333";

export type Side = "east" | "west";
export const SIDES = ["east", "west"] as const;
export const REGIONS = { east: EAST, west: WEST } as const;

/** The instances of both regions keep their names, whichever of them is the primary. */
export const PRIMARY = "llm-marketplace-db";
export const REPLICA = "llm-marketplace-db-dr";
export const INSTANCES = { east: PRIMARY, west: REPLICA } as const;
export const RESTORED = "llm-marketplace-db-restored";
/** What the old primary is called once a restored instance has its name. */
export const ASIDE = "llm-marketplace-db-before-restore";

export const GROUPS = { east: "llm-marketplace-db-16", west: "llm-marketplace-db-dr-16" } as const;
export const BUCKETS = {
  east: "llm-marketplace-backups-us-east-1",
  west: "llm-marketplace-backups-us-west-2",
} as const;
/** Search repositories: each written by one region, and read by the other. */
export const REPOSITORIES = { east: "backups-us-east-1", west: "backups-us-west-2" } as const;
export const NAMESPACE = "llm-marketplace";
export const CONFIG = "marketplace-config";
export const SERVICES = [
  { name: "publishing-service", port: 3001, replicas: 3 },
  { name: "discovery-service", port: 3002, replicas: 2 },
] as const;

/** Runs in one region only: twice, it would bill publishers twice. */
export const CRON_JOB = "bill-publishers";
export const SYNTHETIC = "/synthetic";

export const ZONE = "Z0MARKETPLACE";
export const PUBLIC_NAME = "api.llm-marketplace.test";
export const ADDRESS = { east: "127.0.0.11", west: "127.0.0.12" } as const;
const panel = `arn:aws:route53-recovery-control::${ACCOUNT}:controlpanel/marketplace/routingcontrol`;
export const CONTROLS = { east: `${panel}/east`, west: `${panel}/west` } as const;
export const ARC_REGIONS = [EAST, WEST, "eu-west-1", "ap-southeast-2", "ap-northeast-1"] as const;

/** As RDS writes an endpoint. Only the environment's own machines can look it up. */
export function endpointOf(region: string, instance: string): string {
  return `${instance}.cpractice.${region}.rds.test:5432`;
}

/** Which instance an endpoint means; null: no name of RDS's. */
export function instanceAt(endpoint: string): { readonly region: string; readonly id: string } | null {
  const [, id, region] = /^([a-z0-9-]+)\.cpractice\.([a-z0-9-]+)\.rds\.test:5432$/.exec(endpoint) ?? [];
  return id === undefined || region === undefined ? null : { id, region };
}
