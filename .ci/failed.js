// node .ci/failed.js results.json files|lines   What failed in a run of `jest --json`: its files, or a line of JSON each test.
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const [, , results, what] = process.argv;
const failed = JSON.parse(readFileSync(results, "utf8")).testResults.filter(({ status }) => status === "failed");
for (const { name, assertionResults, startTime, endTime } of failed) {
  const file = relative(process.cwd(), name);
  const tests = assertionResults.filter(({ status }) => status === "failed");
  const lines = tests.map(({ fullName, duration }) => ({ file, test: fullName, seconds: (duration ?? 0) / 1000 }));
  // A file that could not be loaded, or whose worker ended, has no tests.
  if (lines.length === 0) lines.push({ file, test: null, seconds: (endTime - startTime) / 1000 });
  if (what === "files") console.log(file);
  else for (const line of lines) console.log(`failed-first ${JSON.stringify(line)}`);
}
