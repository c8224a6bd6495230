import { readFileSync, realpathSync } from "node:fs";
import { sha256 } from "../lib/canonical.ts";
import type { AllowedManifest, System } from "./types.ts";

/**
 * A runbook names manifests (`manifests: [ingress, app]`); its plan carries where each file is and the SHA-256 of its
 * bytes, so that what was approved is what is applied.
 */
export interface BoundManifest {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
}

/** The manifests a step's input names; empty when it names none. */
export function manifestsNamed(input: unknown): readonly string[] {
  const named = (input as { manifests?: unknown } | null)?.manifests;
  return Array.isArray(named) ? named.filter((name): name is string => typeof name === "string") : [];
}

/** The input with the manifests it names put in their places, where the system lists them. */
export function withManifests(
  input: unknown,
  { manifests = [] }: System,
  bind: (manifest: AllowedManifest) => BoundManifest,
): unknown {
  if (manifestsNamed(input).length === 0) return input;
  const given = input as { readonly manifests: readonly unknown[] };
  const bound = given.manifests.map((name) => {
    const found = manifests.find((one) => one.name === name);
    return found ? bind(found) : name;
  });
  return { ...given, manifests: bound };
}

/** For checking an input when nothing is going to be applied: the hash is not looked up. */
export function unreadManifest({ name, path }: AllowedManifest): BoundManifest {
  return { name, path, sha256: "0".repeat(64) };
}

/** As it is now. @throws when the file is gone, or has become a link since the catalogue was read. */
export function readManifest({ name, path }: AllowedManifest): BoundManifest {
  if (realpathSync(path) !== path) throw new Error(`${path} has become a link`);
  return { name, path, sha256: sha256(readFileSync(path)) };
}
