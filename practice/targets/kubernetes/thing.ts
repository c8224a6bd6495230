/** Any JSON object. */
export type Tree = { [key: string]: unknown };

/** An object as the API server keeps it. Fields beyond the metadata are those of its kind. */
export interface Thing {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  spec?: Tree;
  status?: Tree;
  [field: string]: unknown;
}

export interface Meta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  creationTimestamp: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: readonly Owner[];
  managedFields?: readonly { manager: string; operation: "Apply"; fields: readonly string[] }[];
  [field: string]: unknown;
}

export interface Owner {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
}

/** What a caller sends to be created: the rest of the metadata is the server's. */
export interface Draft {
  metadata: Partial<Meta> & { generateName?: string };
  [field: string]: unknown;
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: readonly { name: string; image: string }[]; [field: string]: unknown };
}

/** RFC 3339 to the second, as Kubernetes writes it. */
export function stamp(at: Date = new Date()): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function ownedBy(thing: Thing, owner: Thing): boolean {
  return thing.metadata.ownerReferences?.some((one) => one.uid === owner.metadata.uid) ?? false;
}

export function ownerOf({ apiVersion, kind, metadata }: Thing): Owner {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true };
}
