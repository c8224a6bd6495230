import { randomInt } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    without: { type: "string" },
    only: { type: "string", multiple: true, default: [] },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes}: give it as 10 or 0.5`);
const seed = values.seed === undefined ? randomInt(1, 1_000_000) : Number(values.seed);
if (!Number.isInteger(seed)) throw new Error(`--seed ${values.seed}: give a whole number`);
const say = (line: string) => void process.stderr.write(`${line}\n`);
say(`Seed ${seed}, ${minutes} min`);
const bot = { program: process.execPath, arguments: await botOf(values.without) };
const report = await soak({ seed, minutes, bot, keep: values.keep, only: values.only, say });
for (const { invariant, says } of report.complaints) say(`${invariant}: ${says}`);
if (values.json) console.log(JSON.stringify(report));
else {
  const { seconds, runs, events, complaints } = report;
  console.log(`Seed ${seed}: ${runs} runs, ${events} events in ${seconds} s; ${complaints.length} complaints`);
}
process.exitCode = report.complaints.length > 0 ? 1 : 0;

/** With a guard taken out the sources run as they are, given to the bot by a loader. */
async function botOf(without: string | undefined): Promise<readonly string[]> {
  if (without === undefined) return [await built("src/main.ts")];
  const loader = new URL(`./without.js?guard=${without}`, import.meta.url).href;
  return ["--import", "tsx", "--import", loader, join(projectRoot(), "src", "main.ts")];
}
