import { readFileSync } from "node:fs";
import { relative } from "node:path";
import Sequencer from "@jest/test-sequencer";

/** Seconds each file took when `seconds.json` was recorded; see `record-seconds.js`. */
const seconds = JSON.parse(readFileSync(new URL("seconds.json", import.meta.url), "utf8"));

/** Longest first, so that all workers are busy to the end; a clean clone has no cache that would tell. What is new goes first. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const of = ({ path, context }) => seconds[relative(context.config.rootDir, path)] ?? Number.POSITIVE_INFINITY;
    return [...tests].sort((a, b) => of(b) - of(a) || a.path.localeCompare(b.path));
  }
}
