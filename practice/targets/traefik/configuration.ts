import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parse } from "yaml";

export interface ServiceRule {
  readonly loadBalancer?: {
    readonly servers?: readonly { readonly url: string }[];
    readonly healthCheck?: { readonly path: string; readonly interval?: string };
  };
  readonly weighted?: { readonly services: readonly { readonly name: string; readonly weight?: number }[] };
  readonly failover?: { readonly service: string; readonly fallback: string };
}

export interface RouterRule {
  readonly rule: string;
  readonly service: string;
}

/** What the file says, of what this proxy knows. */
export interface Configuration {
  readonly sha256: string;
  readonly services: Readonly<Record<string, ServiceRule>>;
  readonly routers: Readonly<Record<string, RouterRule>>;
}

/** Rejects when the file is no configuration. */
export async function readConfiguration(file: string): Promise<Configuration> {
  const text = await readFile(file, "utf8");
  const { http } = (parse(text) ?? {}) as { http?: Partial<Pick<Configuration, "services" | "routers">> };
  if (!http) throw new TypeError("no http section");
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { sha256, services: http.services ?? {}, routers: http.routers ?? {} };
}
