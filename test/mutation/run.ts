import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";

/**
 * `npm run mutate -- src/incident/severity.ts`: changes each expression of these sources, one after the other, and says which change no test
 * notices. Packages in the last versions that run on Node 20, fetched by npm on first use: they are no dependency of this project.
 */
const PACKAGES = ["@stryker-mutator/core@9.6.1", "@stryker-mutator/mocha-runner@9.6.1", "mocha@11.8.0"];

const files = process.argv.slice(2).filter((arg) => !arg.startsWith("-"));
const options = process.argv.slice(2).filter((arg) => arg.startsWith("-"));
if (files.length === 0) {
  console.error("Say which sources are to be changed: npm run mutate -- src/incident/severity.ts");
  process.exit(2);
}
const sandbox = join(tmpdir(), `lifeboat-mutation-${process.pid}`);
const packages = PACKAGES.flatMap((one) => ["--package", one]);
const config = ["test/mutation/stryker.config.json", "--mutate", files.join(","), "--tempDirName", sandbox];
const { status } = spawnSync("npx", ["--yes", ...packages, "stryker", "run", ...config, ...options], {
  cwd: projectRoot(),
  stdio: "inherit",
});
rmSync(sandbox, { recursive: true, force: true });
process.exit(status ?? 1);
