import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../lib/root.ts";

/** `lifeboat 0.2.0` */
export const versionOf = () => `lifeboat ${versionNumber()}`;

export function versionNumber(): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot(), "package.json"), "utf8")) as { version: string };
  return version;
}
