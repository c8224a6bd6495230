import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";

/** Seeds that are always the same: what fails here fails again with `npm run simulate -- --seed <n> --trace`. */
const RUNS = 12;

interface Report {
  readonly runs: number;
  readonly isSame: boolean;
  readonly failed: readonly unknown[];
  readonly coverage: { readonly [of in "events" | "refusals" | "faults"]: Readonly<Record<string, number>> };
}

test("two bots keep I1 to I8 and I10 to I12 through kills, freezes, a store in doubt and a Slack that fails", async () => {
  const args = ["--import", "tsx", "test/simulation/index.ts", "--from", "101", "--runs", String(RUNS), "--json"];
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: projectRoot(),
    env,
    maxBuffer: 1e8,
  }).catch((failed: { stdout: string }) => failed);
  const { runs, isSame, failed, coverage } = JSON.parse(stdout) as Report;
  expect({ runs, isSame, failed }).toEqual({ runs: RUNS, isSame: true, failed: [] });
  // What these seeds reach, so that a run that does nothing is not taken for one that is well.
  expect(coverage.events).toMatchObject({ "step.intended": expect.any(Number), "gate.passed": expect.any(Number) });
  expect(Object.keys(coverage.refusals).length).toBeGreaterThanOrEqual(8);
  expect(Object.keys(coverage.faults)).toEqual(
    expect.arrayContaining(["store: commit in doubt", "process frozen", "slack: delivered twice", "slack: hangs"]),
  );
}, 180_000);
