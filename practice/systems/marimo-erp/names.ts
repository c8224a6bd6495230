/** What things are called at Marimo ERP. */
export const NAMESPACE = "marimo-erp";
export const TEST_NAMESPACE = "marimo-erp-test";
export const DATABASE = "marimo_erp";
export const ADMIN = "lifeboat";
export const APP = "app";
export const LABEL = "marimo";

/** Replicas of every service while the primary datacentre serves: unlike one another, so that none can be mixed up. */
export const REPLICAS = {
  "api-gateway": 3,
  "auth-service": 2,
  "inventory-service": 4,
  "billing-service": 1,
  "report-service": 0,
} as const;
/** What stays while data is replaced. */
export const KEPT = ["postgres", "rabbitmq", "consul"] as const;

export const SITES = ["primary", "secondary", "rebuilt"] as const;
export type Site = (typeof SITES)[number];
/** Addresses of the ingresses: all on this machine, so that a name's answer can be gone to. */
export const ADDRESS: Readonly<Record<Site, string>> = {
  primary: "127.0.1.10",
  secondary: "127.0.2.10",
  rebuilt: "127.0.3.10",
};
export const ACCOUNT = "111122223333";
export const ZONE = "Z0MARIMOERP";
export const PUBLIC_NAME = "marimo-erp.test";
/** Bookkeeping that runs by itself: in the datacentre that serves, and suspended in the other one. */
export const CRON_JOB = "invoice-run";
/** The datacentres that can serve; the third cluster replaces a lost one. */
export const DATACENTRES = ["primary", "secondary"] as const;
export type Datacentre = (typeof DATACENTRES)[number];
export const QUEUES = ["orders", "invoices"] as const;
/** In Consul: what services read at their start. */
export const CURRENCY = "erp/currency";
/** In the Redis of the datacentre that stands by: from when it served last. */
export const STALE_KEY = "price:1";
export const CONSUL_SERVICES = ["api-gateway", "auth-service", "inventory-service"] as const;
export const USERS = 200;
export const INVOICES = 300;
/** Users that come after the data was damaged. */
export const ADDED = 7;
