import { randomBytes } from "node:crypto";
import { copyFile, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMap, parseDocument } from "yaml";
import { z } from "zod";
import { sha256 } from "../../lib/canonical.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";

/** Where a service leads: servers of its own, or shares of other services. */
export const leadInput = z.union([
  z.strictObject({
    servers: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .max(50),
  }),
  z.strictObject({ weights: z.record(z.string().min(1), z.number().int().min(0).max(1000)) }),
]);
export type Lead = z.infer<typeof leadInput>;

/** The file of Traefik's file provider as it is now. Plain JSON; of what it says only this service is kept. */
export interface FileView {
  readonly sha256: string;
  /** Null: the file does not name the service, or it is of another kind. */
  readonly lead: Lead | null;
}

/** Rejects with what is wrong with the file. */
export async function readLead(file: string, service: string): Promise<FileView> {
  const bytes = await readFile(file);
  return { sha256: sha256(bytes), lead: leadOf(parsed(bytes).toJS(), service) };
}

export function sameLead(a: Lead | null, b: Lead | null): boolean {
  if (a === null || b === null) return false;
  if ("servers" in a !== "servers" in b) return false;
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

export function sayLead(lead: Lead): string {
  if ("servers" in lead) return lead.servers.join(", ");
  return Object.entries(lead.weights)
    .map(([name, weight]) => `${name} ${weight}`)
    .join(", ");
}

/**
 * Puts the lead into the file by one rename, so that Traefik never reads half of it; comments stay. What the file was
 * before lies beside it under `<file>.before`, a name Traefik does not load. A file that is not the one that was seen is
 * left alone.
 */
export async function writeLead(file: string, service: string, lead: Lead, seenSha256: string): Promise<void> {
  const bytes = await readFile(file);
  if (sha256(bytes) !== seenSha256) {
    throw new LifeboatError({
      code: "file-changed",
      where: file,
      what: "The file was changed after it was read",
      stateNow: "It is as they left it",
    });
  }
  const document = parsed(bytes);
  const path = ["http", "services", service];
  if ("servers" in lead) {
    document.setIn([...path, "loadBalancer", "servers"], document.createNode(lead.servers.map((url) => ({ url }))));
  } else {
    const services = Object.entries(lead.weights).map(([name, weight]) => ({ name, weight }));
    document.setIn([...path, "weighted", "services"], document.createNode(services));
  }
  await copyFile(file, `${file}.before`);
  const draft = join(dirname(file), `.lifeboat-${randomBytes(4).toString("hex")}`);
  try {
    const { mode } = await stat(file);
    const handle = await open(draft, "wx", mode);
    try {
      await handle.writeFile(document.toString());
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

function parsed(bytes: Buffer) {
  const document = parseDocument(bytes.toString("utf8"), { strict: true });
  const [error] = document.errors;
  if (error) throw new LifeboatError({ code: "not-yaml", what: `The file is no YAML: ${messageOf(error)}` });
  if (!isMap(document.contents)) throw new LifeboatError({ code: "not-yaml", what: "The file holds no configuration" });
  return document;
}

interface FileService {
  readonly loadBalancer?: { readonly servers?: readonly { readonly url?: string }[] };
  readonly weighted?: { readonly services?: readonly { readonly name: string; readonly weight?: number }[] };
}

function leadOf(content: unknown, service: string): Lead | null {
  const found = (content as { http?: { services?: Record<string, FileService> } }).http?.services?.[service];
  if (found?.loadBalancer?.servers) {
    return { servers: found.loadBalancer.servers.flatMap(({ url }) => (url === undefined ? [] : [url])) };
  }
  if (found?.weighted?.services) {
    return { weights: Object.fromEntries(found.weighted.services.map(({ name, weight }) => [name, weight ?? 1])) };
  }
  return null;
}

function sorted(lead: Lead): unknown {
  if ("servers" in lead) return lead.servers.map((url) => url.replace(/\/$/, "")).sort();
  return Object.entries(lead.weights)
    .filter(([, weight]) => weight > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
