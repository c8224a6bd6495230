import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../lib/root.ts";

/** `lifeboat 0.1.0` */
export function versionOf(): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot(), "package.json"), "utf8")) as { version: string };
  return `lifeboat ${version}`;
}
