import { execFile } from "node:child_process";
import { expect, test } from "@jest/globals";
import type { Year } from "../../../practice/session/year.ts";
import { projectRoot } from "../../../src/lib/root.ts";
import { built } from "../../support/built.ts";

const MINUTES = 10;

/** `npm run practice -- --year --short --json`: its exit code, and what its last line says. */
async function playedYear(): Promise<{ readonly code: number; readonly year: Year }> {
  const args = [await built("src/cli.ts"), "practice", "--year", "--short", "--json"];
  const options = { cwd: projectRoot(), env: { ...process.env, NODE_OPTIONS: "" }, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((done, fail) => {
    execFile(process.execPath, args, options, (error, out, err) => {
      const last = out.trim().split("\n").at(-1) ?? "";
      if (!last.startsWith("{")) fail(new Error(`The year came to no end:\n${out}\n${err}`));
      else done({ code: typeof error?.code === "number" ? error.code : 0, year: JSON.parse(last) as Year });
    });
  });
}

test(
  "ten weeks pass by themselves: two bots that are killed on the way do everything once, and the evidence of it stands",
  async () => {
    const { code, year } = await playedYear();
    expect(year.problems).toEqual([]);
    expect({ code, outcome: year.outcome }).toEqual({ code: 0, outcome: "whole" });
    expect(year.chapters).toHaveLength(8);
    expect(year.killed).toHaveLength(6);
    const { committed, failedBack, missed, expired, remindedActions, signOffs, checkpoints, anchored } = year.counts;
    for (const count of [committed, failedBack, missed, expired, remindedActions, signOffs, checkpoints])
      expect(count).toBeGreaterThan(0);
    expect(anchored).toBe(checkpoints);
    expect(year.evidence).toMatchObject({ whole: true, sameAgain: true });
    expect(year.evidence.harmed).toEqual({
      "flipped-byte": ["event-changed"],
      "dropped-tail": ["tail-cut"],
      "rewritten-chain": ["rewritten"],
      "reordered-events": ["events-reordered"],
    });
  },
  MINUTES * 60_000,
);
