import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../src/lib/root.ts";
import type { Around } from "./around.ts";

const PROCESSES = ["bolt", "driver", "jobs"].map((name) => `test/bench/processes/${name}.ts`);

/** The bot and the bench's own processes by the build that ships it: loading TypeScript is not what is measured. */
export async function built(around: Around): Promise<string> {
  const root = projectRoot();
  // Inside the project, so that packages are found.
  await mkdir(join(root, ".lifeboat"), { recursive: true });
  const folder = await mkdtemp(join(root, ".lifeboat", "bench-"));
  around.later(() => rm(folder, { recursive: true, force: true }));
  await promisify(execFile)("npm", ["run", "build", "--", ...PROCESSES, `--outdir=${folder}`], { cwd: root });
  return folder;
}
