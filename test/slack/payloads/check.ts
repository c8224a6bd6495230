import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shapeOf } from "../../../practice/slack/recorder.ts";
import { bySlackSdk, bySlackTypes, type Payload } from "./validators.ts";

/**
 * `node --import tsx test/slack/payloads/check.ts <folder>`: everything the bot showed in the practice workspace while the tests ran
 * (`LIFEBOAT_SLACK_RECORDING`), by validators no one here wrote. Ends with 1 when one refuses something, or nothing was recorded.
 */
const [folder = ""] = process.argv.slice(2);
const lines = readdirSync(folder)
  .filter((name) => name.endsWith(".jsonl"))
  .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
  .filter((line) => line !== "");
const recorded = lines.map((line) => JSON.parse(line) as Payload);
const payloads = [...new Map(recorded.map((payload) => [shapeOf(payload), payload])).values()];
const verdicts = { slack_sdk: await bySlackSdk(payloads), "@slack/types": await bySlackTypes(payloads) };

let refused = 0;
for (const [validator, said] of Object.entries(verdicts))
  for (const [n, faults] of said.entries()) {
    if (faults.length === 0) continue;
    refused += 1;
    if (refused <= 20) console.error(`${validator} refuses ${JSON.stringify(payloads[n])}\n  ${faults.join("\n  ")}`);
  }
const counted = (surface: string) => payloads.filter((one) => one.surface === surface).length;
console.log(
  `Slack payloads: ${counted("message")} messages, ${counted("modal")} forms, ${counted("home")} Home tabs; ${refused} refused by ${Object.keys(verdicts).join(" or ")}`,
);
if (refused > 0 || payloads.length === 0) process.exitCode = 1;
