import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { sha256 } from "../lib/canonical.ts";
import type { AllowedScript, System } from "./types.ts";

/**
 * A runbook names a script (`script: repoint`); its plan carries where the file is and the SHA-256 of its bytes, so that
 * what was approved is what is started. Whichever action takes a script takes it in this form.
 */
export interface BoundScript {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly environment: readonly string[];
}

/** Absolute, links resolved; null when it is not a file inside the system's folder, however it is spelled or linked. */
export function scriptPath(home: string, file: string): string | null {
  try {
    const path = realpathSync(resolve(home, file));
    return !isAbsolute(file) && isInside(realpathSync(home), path) && statSync(path).isFile() ? path : null;
  } catch {
    return null;
  }
}

function isInside(home: string, path: string): boolean {
  const way = relative(home, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The script a step's input names, or null when it names none. */
export function scriptNamed(input: unknown): string | null {
  const named = (input as { script?: unknown } | null)?.script;
  return typeof named === "string" ? named : null;
}

/**
 * The input with the script it names put in its place, and its arguments as text, which is all a program can be given
 * (`${var.port}` is a number). Unchanged when it names no script the system allows.
 */
export function withScript(input: unknown, system: System, bind: (script: AllowedScript) => BoundScript): unknown {
  const script = system.scripts.find(({ name }) => name === scriptNamed(input));
  if (script === undefined) return input;
  const given = input as { readonly arguments?: unknown };
  if (!Array.isArray(given.arguments)) return { ...given, script: bind(script) };
  return { ...given, script: bind(script), arguments: given.arguments.map(asText) };
}

function asText(value: unknown): unknown {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

/** For checking an input when nothing is going to be started: the hash is not looked up. */
export function unreadScript({ name, path, environment }: AllowedScript): BoundScript {
  return { name, path, sha256: "0".repeat(64), environment };
}

/** As it is now. @throws when the file is gone, or has become a link since the catalogue was read. */
export function readScript({ name, path, environment }: AllowedScript): BoundScript {
  if (realpathSync(path) !== path) throw new Error(`${path} has become a link`);
  return { name, path, sha256: sha256(readFileSync(path)), environment };
}
