import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../src/lib/root.ts";
import type { Around } from "./around.ts";

/** The bot and the bench's own processes as JavaScript, as they are shipped: loading TypeScript is not what is measured. */
export async function built(around: Around): Promise<string> {
  const root = projectRoot();
  // Inside the project, so that packages are found.
  await mkdir(join(root, ".lifeboat"), { recursive: true });
  const folder = await mkdtemp(join(root, ".lifeboat", "bench-"));
  around.later(() => rm(folder, { recursive: true, force: true }));
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { noEmit: false, noCheck: true, outDir: folder, rootDir: root },
    files: [
      "src/main.ts",
      "test/bench/processes/bolt.ts",
      "test/bench/processes/driver.ts",
      "test/bench/processes/jobs.ts",
    ].map((file) => join(root, file)),
    include: [],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await promisify(execFile)(join(root, "node_modules", ".bin", "tsc"), ["-p", join(folder, "tsconfig.json")]);
  return folder;
}
