import { describe, expect, test } from "@jest/globals";
import type { SystemEnvironment } from "../../practice/environment/system-environment.ts";
import type { Play } from "../../practice/session/play.ts";
import type { Practice } from "../../practice/session/practice.ts";
import { playSequence } from "../../practice/session/sequence.ts";
import { cyclesOf } from "../../practice/session/written.ts";

const RUN_SECONDS = 170;

/** What is done or looked at beside the lines of the cycles, by cycle, mode and number of the line: `database, planned, 1`. */
export interface Beside {
  /** Before a run is requested. */
  readonly before?: Readonly<Record<string, () => Promise<void> | void>>;
  /** Once the line is over, before the next one; not when its run went wrong. A line that breaks something has no play. */
  readonly after?: Readonly<Record<string, (play: Play) => Promise<void> | void>>;
}

/**
 * Each cycle the system declares, once in each mode: nothing is reset in between, and the world is looked at all the while.
 * What a runbook does to the world is looked at beside, so that it isn't played a second time for that.
 */
export function playsItsCycles(
  system: string,
  practice: () => Practice<SystemEnvironment>,
  { before = {}, after = {} }: Beside = {},
): void {
  const plays = cyclesOf(system).flatMap((cycle) =>
    (["planned", "unplanned"] as const).flatMap((mode) => {
      const lines = cycle[mode];
      return lines === undefined ? [] : [{ name: cycle.id, mode, lines }];
    }),
  );
  const known = plays.flatMap(({ name, mode, lines }) => lines.map((_, i) => `${name}, ${mode}, ${i + 1}`));
  const unknown = [...Object.keys(before), ...Object.keys(after)].filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`${system} has no such lines: ${unknown.join("; ")}`);
  if (plays.length === 0) return;
  describe("there and back again", () => {
    for (const { name, mode, lines } of plays)
      test(
        `${name}, ${mode}: ${lines.join("; ")}`,
        async () => {
          let over = 0;
          const timelines: unknown[] = [];
          const { runs, ...end } = await playSequence(practice(), {
            lines,
            seconds: RUN_SECONDS,
            onRun: async () => before[`${name}, ${mode}, ${over + 1}`]?.(),
            async onLine(_, play) {
              over += 1;
              if (play !== null) timelines.push(play.timeline?.verified);
              if (play?.problem == null) await after[`${name}, ${mode}, ${over}`]?.(play as Play);
            },
          });
          // What moves again is refused until there is a reason: a player gives one, and is refused first.
          const secondMoves = runs.filter(
            (run, n) => run.moves && runs.slice(0, n).some(({ runbook }) => runbook === run.runbook),
          );
          expect(secondMoves.filter(({ refusedAgain }) => !refusedAgain)).toEqual([]);
          const problems = runs.map(({ problem }) => problem);
          expect({ ...end, problems, timelines }).toEqual({
            outcome: "verified",
            writers: 1,
            healthy: true,
            violations: [],
            problems: runs.map(() => null),
            timelines: runs.map(() => true),
          });
        },
        lines.length * RUN_SECONDS * 1000,
      );
  });
}
