import { describe, expect, test } from "@jest/globals";
import type { SystemEstate } from "../../src/practice/estate/system-estate.ts";
import type { Practice } from "../../src/practice/practice.ts";
import { playSequence } from "../../src/practice/sequence.ts";
import { cyclesOf } from "../../src/practice/written.ts";

const RUN_SECONDS = 170;

/** Each cycle the system declares, once in each mode: nothing is reset in between, and the world is looked at all the while. */
export function playsItsCycles(system: string, practice: () => Practice<SystemEstate>): void {
  const plays = cyclesOf(system).flatMap((cycle) =>
    (["planned", "unplanned"] as const).flatMap((mode) => {
      const lines = cycle[mode];
      return lines === undefined ? [] : [{ name: cycle.id, mode, lines }];
    }),
  );
  if (plays.length === 0) return;
  describe("there and back again", () => {
    for (const { name, mode, lines } of plays)
      test(
        `${name}, ${mode}: ${lines.join("; ")}`,
        async () => {
          const { runs, ...end } = await playSequence(practice(), { lines, seconds: RUN_SECONDS });
          const problems = runs.map(({ problem }) => problem);
          expect({ ...end, problems }).toEqual({
            outcome: "verified",
            writers: 1,
            healthy: true,
            violations: [],
            problems: runs.map(() => null),
          });
        },
        lines.length * RUN_SECONDS * 1000,
      );
  });
}
