import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { messageOf } from "../../lib/errors.ts";
import { untar } from "../../lib/tar.ts";

/** What is kept beside a snapshot, because the snapshot itself does not say it: where it is from, and whose version. */
export interface Label {
  readonly datacenter: string;
  /** Of Consul. A snapshot is restored into the same one only. */
  readonly version: string;
  readonly takenAt: number;
  readonly sha256: string;
  readonly services: readonly string[];
  readonly keys: number;
  /** SHA-256 of all keys with their values. Left out: they changed while it was taken, or it is of before 0.2. */
  readonly contents?: string;
}

export type ArchiveView =
  | { readonly there: false; readonly why: string }
  | {
      readonly there: true;
      readonly sha256: string;
      readonly bytes: number;
      /** Its own digests hold. */
      readonly intact: boolean;
      readonly label: Label | null;
    };

export const labelOf = (file: string): string => `${file}.label.json`;

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Reads a snapshot and what is said of it; that it is not there is an observation. */
export async function lookAtArchive(file: string): Promise<ArchiveView> {
  try {
    const bytes = await readFile(file);
    const label = await readFile(labelOf(file), "utf8").catch(() => null);
    return {
      there: true,
      sha256: sha256(bytes),
      bytes: bytes.length,
      intact: isIntact(bytes),
      label: label === null ? null : (JSON.parse(label) as Label),
    };
  } catch (error) {
    return { there: false, why: messageOf(error) };
  }
}

/** A snapshot carries digests of its parts; a half-written one or a changed byte shows. */
export function isIntact(bytes: Buffer): boolean {
  try {
    const files = untar(gunzipSync(bytes));
    const sums = files.get("SHA256SUMS")?.toString("utf8") ?? "";
    const named = [...sums.matchAll(/^([0-9a-f]{64})\s+(\S+)$/gm)];
    return (
      files.has("state.bin") &&
      named.some(([, , name]) => name === "state.bin") &&
      named.every(([, digest, name]) => sha256(files.get(name ?? "") ?? Buffer.alloc(0)) === digest)
    );
  } catch {
    return false;
  }
}
