import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../src/lib/root.ts";

const root = projectRoot();
const home = join(root, "dist", "tests");
const SOURCES = ["src", "commands", "templates", "practice", "test"];
const DAY_MS = 24 * 3600 * 1000;

let made: Promise<string> | null = null;

/**
 * One of the repository's programs as JavaScript, for `node <file>`: a process that compiles its own sources while it starts
 * takes seconds more, and the tests start hundreds. Built once for each state of the sources, whichever test asks first.
 *
 * @param file as it is called in the sources: `src/main.ts`
 */
export async function built(file: string): Promise<string> {
  made ??= build();
  return join(await made, file.replace(/\.ts$/, ".js"));
}

async function build(): Promise<string> {
  const folder = join(home, await stateOfSources());
  if (existsSync(folder)) return folder;
  await mkdir(home, { recursive: true });
  await forgetOld();
  // Two test runs may do this side by side: each builds its own, and one of them becomes the folder.
  const own = await mkdtemp(join(home, "making-"));
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = ["--noEmit", "false", "--noCheck", "--rootDir", ".", "--outDir", own];
  await promisify(execFile)(process.execPath, [compiler, "-p", "tsconfig.json", ...options], { cwd: root });
  await rename(own, folder).catch(async (error: unknown) => {
    await rm(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
  return folder;
}

async function stateOfSources(): Promise<string> {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    const entries = await readdir(join(root, source), { recursive: true, withFileTypes: true });
    const files = entries.filter((one) => one.isFile() && one.name.endsWith(".ts"));
    const lines = files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      const { size, mtimeMs } = await stat(path);
      return `${path} ${size} ${mtimeMs}`;
    });
    for (const line of (await Promise.all(lines)).sort()) hash.update(`${line}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** What earlier states left; a run that is still going uses a young one. */
async function forgetOld(): Promise<void> {
  for (const name of await readdir(home)) {
    const folder = join(home, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > DAY_MS) await rm(folder, { recursive: true, force: true });
  }
}
