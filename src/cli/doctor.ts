import { parseArgs } from "node:util";
import { examine, type Finding } from "../doctor/index.ts";
import { createLog } from "../lib/log.ts";

const MARKS: Readonly<Record<Finding["state"], string>> = { ok: "ok  ", skip: "--  ", warn: "warn", fail: "FAIL" };

/** Exit code 0: nothing fails (warnings are printed). 1: something does. */
export async function doctor(rest: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...rest], options: { json: { type: "boolean" } }, strict: true });
  const findings = await examine(process.env, createLog("silent"));
  const failed = findings.filter(({ state }) => state === "fail").length;
  if (values.json) process.stdout.write(`${JSON.stringify({ ok: failed === 0, findings })}\n`);
  else process.stdout.write(page(findings, failed));
  return failed === 0 ? 0 : 1;
}

function page(findings: readonly Finding[], failed: number): string {
  const lines = findings.flatMap(({ state, says, next }) => [
    `${MARKS[state]}  ${says}`,
    ...(next === undefined ? [] : [`        ${next}`]),
  ]);
  const warned = findings.filter(({ state }) => state === "warn").length;
  const sum =
    failed > 0
      ? `${failed} to put right before a bot is trusted here.`
      : warned > 0
        ? "Nothing fails; read the warnings."
        : "All is well.";
  return `${lines.join("\n")}\n\n${sum}\n`;
}
