// node test/jest/record-seconds.js results.json   Takes over how long each file took from `npm test -- --json --outputFile=results.json`.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("seconds.json", import.meta.url);
const known = JSON.parse(readFileSync(file, "utf8"));
const { testResults } = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const { name, startTime, endTime } of testResults)
  known[name.slice(name.lastIndexOf("/test/") + 1)] = Math.round((endTime - startTime) / 1000);
const sorted = Object.fromEntries(Object.entries(known).sort(([a, x], [b, y]) => y - x || a.localeCompare(b)));
writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
