import childProcess from "node:child_process";
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { TestEnvironment } from "jest-environment-node";

/**
 * A test file that starts processes is named in `with-processes.txt`; all others are the unit tests of `npm run test:unit`. There,
 * starting a process throws, and fails the file even where the test expects programs to be missing.
 */
export const withProcesses = readFileSync(new URL("with-processes.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));

const STARTS = ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"];

export default class Environment extends TestEnvironment {
  #originals = null;
  #started = [];

  constructor(config, context) {
    super(config, context);
    const file = relative(config.projectConfig.rootDir, context.testPath);
    if (config.projectConfig.testEnvironmentOptions.processes === false && !withProcesses.includes(file))
      this.#refuseProcesses(file);
  }

  /** @throws what was started, in place of the file's result, so that nothing swallows it */
  async handleTestEvent(event, state) {
    if (event.name === "run_finish" && this.#started.length > 0) state.unhandledErrors.push(this.#started[0]);
  }

  async teardown() {
    if (this.#originals) Object.assign(childProcess, this.#originals);
    await super.teardown();
  }

  #refuseProcesses(file) {
    this.#originals = Object.fromEntries(STARTS.map((name) => [name, childProcess[name]]));
    for (const name of STARTS)
      childProcess[name] = (program) => {
        const error = new Error(
          `${file} starts a process (${program}) and is not named in test/jest/with-processes.txt`,
        );
        this.#started.push(error);
        throw error;
      };
  }
}
