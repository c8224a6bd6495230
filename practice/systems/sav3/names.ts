/** How everything of SAV3 is called in practice. */
export const DATABASE = "sav3";
export const PROJECT = "sav3";
export const PRIMARY = "sav3-db-a";
export const STANDBY = "sav3-db-b";

/** Buckets of the media: the one in use and the copy elsewhere. */
export const MEDIA = "sav3-media";
export const MEDIA_BACKUP = "sav3-media-backup";
export const MEDIA_REGION = "us-east-1";
export const MEDIA_BACKUP_REGION = "eu-central-1";

export const API_NOW = "registry.sav3.test/api:1.42.0";
export const API_BEFORE = "registry.sav3.test/api:1.41.3";

/** Compose services as the document names them. */
export const SERVICES = ["api", "websocket", "worker"] as const;
export const MONITORING = ["prometheus", "grafana", "alertmanager"] as const;

/** What stands on machines that are made on the night everything is lost. */
export const REPLACEMENT = "sav3-db-new";
export const MEDIA_NEW = "sav3-media-new";
export const MEDIA_NEW_REGION = "us-east-2";

/** The server that backups are restored to only to see that they can be. */
export const SCRATCH = "sav3-db-scratch";
