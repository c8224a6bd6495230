import { type Enums, enumsOf } from "./enums.ts";
import { type Model, modelOf } from "./model.ts";

export interface Service {
  readonly client: string;
  readonly protocol: "query" | "json" | "xml";
  readonly model: Model;
  readonly enums: Enums;
  /** What X-Amz-Target begins with, or the Version parameter: as the SDK's own settings of the service give it. */
  readonly target?: string;
  readonly version?: string;
}

type Given = Omit<Service, "model" | "enums"> & { load(): Promise<object> };

/** By the name in a signature's scope. Loaded on first use: they are large. */
const GIVEN: Readonly<Record<string, Given>> = {
  rds: {
    ...{ client: "client-rds", protocol: "query", version: "2014-10-31" },
    load: () => import("@aws-sdk/client-rds"),
  },
  sts: {
    ...{ client: "client-sts", protocol: "query", version: "2011-06-15" },
    load: () => import("@aws-sdk/client-sts"),
  },
  monitoring: {
    ...{ client: "client-cloudwatch", protocol: "json", target: "GraniteServiceVersion20100801" },
    load: () => import("@aws-sdk/client-cloudwatch"),
  },
  "route53-recovery-cluster": {
    ...{ client: "client-route53-recovery-cluster", protocol: "json", target: "ToggleCustomerAPI" },
    load: () => import("@aws-sdk/client-route53-recovery-cluster"),
  },
  route53: { client: "client-route-53", protocol: "xml", load: () => import("@aws-sdk/client-route-53") },
  s3: { client: "client-s3", protocol: "xml", load: () => import("@aws-sdk/client-s3") },
};

const read = new Map<string, Service>();

export async function serviceSignedAs(name: string): Promise<Service | undefined> {
  const there = read.get(name);
  const given = GIVEN[name];
  if (there || !given) return there;
  const { load, ...rest } = given;
  const model = modelOf((await load()) as Record<string, unknown>);
  const service = { ...rest, model, enums: enumsOf(given.client) };
  read.set(name, service);
  return service;
}
