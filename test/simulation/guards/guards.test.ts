import { availableParallelism } from "node:os";
import { expect, test } from "@jest/globals";
import { built } from "../../support/built.ts";
import { GUARDS } from "./list.ts";
import { type Tried, tryGuard } from "./run.ts";

/** Each is found by its first seed or soon after; a change elsewhere may make it another seed. */
const RUNS = 250;

test("whichever of the guards is taken out of the sources, the simulation complains", async () => {
  const program = [await built("test/simulation/index.ts")];
  const left = [...GUARDS];
  const tried: Tried[] = [];
  const workers = Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
    for (let guard = left.shift(); guard !== undefined; guard = left.shift())
      tried.push(await tryGuard(guard, RUNS, program));
  });
  await Promise.all(workers);
  const others = tried.filter(({ outcome }) => outcome !== "found");
  expect(others.map(({ guard, outcome, says }) => `${guard.id}: ${outcome}, ${says}`)).toEqual([]);
  expect(tried.length).toBeGreaterThanOrEqual(20);
}, 1_200_000);
