import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LifeboatError } from "../lib/errors.ts";

const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
/** The package stands beside the sources, not in what is built of them for production, so nothing here imports it. */
const entry = new URL(`../../practice/cli/index${ending}`, import.meta.url);

/** @throws LifeboatError where the practice package, or what it is made of, isn't installed */
export async function practice(rest: readonly string[]): Promise<number> {
  if (!existsSync(fileURLToPath(entry))) throw absent();
  const own = await import(entry.href).catch((error: unknown) => {
    throw (error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND" ? absent() : error;
  });
  return own.practice(rest);
}

function absent(): LifeboatError {
  return new LifeboatError({
    code: "practice-absent",
    what: "Practice isn't part of this installation",
    next: "In a checkout of Lifeboat: npm ci && npm start",
  });
}
