import childProcess from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";

/** JavaScript, because jest loads it before anything is transformed. */
const { default: Environment, withProcesses } = await import(join(projectRoot(), "test", "jest", "environment.js"));

/** The environment of a test file, while something is done in it; what it adds to the errors of that file. */
async function errorsIn(file: string, work: () => void): Promise<readonly Error[]> {
  const projectConfig = { rootDir: projectRoot(), testEnvironmentOptions: { processes: false } };
  const environment = new Environment(
    { projectConfig, globalConfig: {} },
    { testPath: join(projectRoot(), file), console, docblockPragmas: {} },
  );
  const state = { unhandledErrors: [] as Error[] };
  try {
    work();
    await environment.handleTestEvent({ name: "run_finish" }, state);
  } finally {
    await environment.teardown();
  }
  return state.unhandledErrors;
}

describe("a unit test starts no process", () => {
  test("the files that do are named, and each of them exists", () => {
    expect(withProcesses.length).toBeGreaterThan(0);
    expect(new Set(withProcesses).size).toBe(withProcesses.length);
    expect(withProcesses.filter((file: string) => !existsSync(join(projectRoot(), file)))).toEqual([]);
  });

  test("a file that is not named fails when it starts one, also where the test takes no notice", async () => {
    const before = childProcess.spawn;
    const [error, ...more] = await errorsIn("test/catalog/parse.test.ts", () => {
      try {
        childProcess.execFileSync("git", ["status"]);
      } catch {
        // As code does that looks whether a program is there.
      }
    });
    expect(error?.message).toContain("test/catalog/parse.test.ts starts a process (git)");
    expect(more).toEqual([]);
    expect(childProcess.spawn).toBe(before);
  });

  test("a file that is named may", async () => {
    const before = childProcess.spawn;
    const errors = await errorsIn(withProcesses[0], () => expect(childProcess.spawn).toBe(before));
    expect(errors).toEqual([]);
  });
});
