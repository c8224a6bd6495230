import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { ELSEWHERE, whatThereIs } from "./coverage.ts";

/** Seeds that are always the same: what fails here fails again with `npm run simulate -- --seed <n> --trace`. */
const BOTS = 12;
const CORES = 150;

interface Report {
  readonly runs: number;
  readonly isSame: boolean;
  readonly failed: readonly unknown[];
  readonly coverage: { readonly [of in "events" | "refusals" | "faults"]: Readonly<Record<string, number>> };
}

async function simulated(...args: readonly string[]): Promise<Report> {
  const env = { ...process.env, NODE_OPTIONS: "" };
  const program = [await built("test/simulation/index.ts"), ...args, "--workers", "1", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, program, {
    cwd: projectRoot(),
    env,
    maxBuffer: 1e8,
  }).catch((failed: { stdout: string }) => failed);
  return JSON.parse(stdout) as Report;
}

test("two bots keep I1 to I8 and I10 to I12 through kills, freezes, a store in doubt and a Slack that fails", async () => {
  const { runs, isSame, failed, coverage } = await simulated("--from", "101", "--runs", String(BOTS));
  expect({ runs, isSame, failed }).toEqual({ runs: BOTS, isSame: true, failed: [] });
  // What these seeds reach, so that a run that does nothing is not taken for one that is well.
  expect(coverage.events).toMatchObject({ "step.intended": expect.any(Number), "gate.passed": expect.any(Number) });
  expect(Object.keys(coverage.refusals).length).toBeGreaterThanOrEqual(8);
  expect(Object.keys(coverage.faults)).toEqual(
    expect.arrayContaining(["store: commit in doubt", "process frozen", "slack: delivered twice", "slack: hangs"]),
  );
}, 900_000);

test("the core of two bots keeps them, too, and the plain model says the same of every timeline", async () => {
  const { runs, isSame, failed, coverage } = await simulated("--core", "--from", "1", "--runs", String(CORES));
  expect({ runs, isSame, failed }).toEqual({ runs: CORES, isSame: true, failed: [] });
  expect(Object.keys(coverage.events).length).toBeGreaterThanOrEqual(65);
  expect(Object.keys(coverage.refusals).length).toBeGreaterThanOrEqual(60);
  expect(ELSEWHERE.flatMap(({ events }) => events).filter((type) => type in coverage.events)).toEqual([]);
  expect(Object.keys(coverage.faults)).toEqual(
    expect.arrayContaining(["process frozen", "target: changed by hand", "person deactivated", "target: answer lost"]),
  );
}, 900_000);

test.each(ELSEWHERE)("where $because, $shownBy shows it", ({ shownBy, events }) => {
  expect(whatThereIs().events).toEqual(expect.arrayContaining([...events]));
  const at = join(projectRoot(), shownBy);
  const files = shownBy.endsWith(".ts")
    ? [at]
    : readdirSync(at, { recursive: true }).map((name) => join(at, String(name)));
  const text = files.flatMap((file) => (file.endsWith(".ts") ? [readFileSync(file, "utf8")] : [])).join("\n");
  expect(events.some((type) => text.includes(`"${type}"`))).toBe(true);
});
