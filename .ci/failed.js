// node .ci/failed.js results.json lines|again   What failed in a run of `jest --json`: a line of JSON each test, or the files that may
// be tried again. Only files named in test/jest/with-processes.txt may: on a busy machine a real program can be late. All others depend
// on nothing but this code, so with one of them among the failed nothing is tried again: nothing is printed, and the exit code is 1.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { withProcesses } from "../test/jest/environment.js";

const [, , results, what] = process.argv;
const failed = JSON.parse(readFileSync(results, "utf8")).testResults.filter(({ status }) => status === "failed");
if (what === "again") {
  const files = failed.map(({ name }) => relative(process.cwd(), name));
  if (files.length === 0 || !files.every((file) => withProcesses.includes(file))) process.exit(1);
  console.log(files.join("\n"));
} else
  for (const result of failed) for (const line of lines(result)) console.log(`failed-first ${JSON.stringify(line)}`);

function lines({ name, assertionResults, startTime, endTime }) {
  const file = relative(process.cwd(), name);
  const tests = assertionResults.filter(({ status }) => status === "failed");
  // A file that could not be loaded, or whose worker ended, has no tests.
  if (tests.length === 0) return [{ file, test: null, seconds: (endTime - startTime) / 1000 }];
  return tests.map(({ fullName, duration }) => ({ file, test: fullName, seconds: (duration ?? 0) / 1000 }));
}
