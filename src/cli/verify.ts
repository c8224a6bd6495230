import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { loadConfig } from "../config.ts";
import { createLog } from "../lib/log.ts";
import { type Audit, openAudit, type StoredHead } from "../timeline/audit.ts";
import type { Verification } from "../timeline/contract.ts";

const options = { heads: { type: "boolean", default: false }, against: { type: "string" } } as const;

/**
 * Exit code 0: the record is whole. 1: it is not, and what is wrong is printed. With `--heads` the newest signed head of each
 * timeline is printed instead, a line of JSON each, to be kept elsewhere; `--against <file>` compares with such a file.
 */
export async function verify(rest: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...rest], options, strict: true, allowPositionals: true });
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  const kept = values.against === undefined ? [] : headsIn(await readFile(values.against, "utf8"));
  const audit = await openAudit({ ...loaded.config.store, log: createLog("warn") });
  try {
    if (values.heads) return await printHeads(audit);
    const found = await audit.verify(positionals[0], kept);
    const accepted = await audit.acceptances();
    const lines = [
      ...found.problems.map(({ stream, version, says }) => `${stream} ${version}: ${says}`),
      ...accepted.map(
        ({ at, by, reason }) => `Accepted by ${by} at ${at}: the store came back other than it was seen (${reason})`,
      ),
      ...summary(found, audit, kept.length),
    ];
    process.stdout.write(lines.map((line) => `${line}\n`).join(""));
    return found.ok ? 0 : 1;
  } finally {
    await audit.close();
  }
}

function summary(found: Verification, audit: Audit, kept: number): string[] {
  const { events, sealed, authenticated, signedHeads, streams } = found;
  const left =
    authenticated === null
      ? "Not checked: the authentication of events (no LIFEBOAT_EVENT_KEYS)"
      : `Authenticated by a key: ${authenticated} of ${events}, and ${sealed} covered by the seal of the migration`;
  const signed =
    audit.keyring.publicKeys.size === 0
      ? "Not checked: signatures (no LIFEBOAT_SIGNING_KEY or LIFEBOAT_VERIFY_KEYS)"
      : `Signed heads that hold: ${signedHeads}${kept > 0 ? `, and ${kept} kept elsewhere` : ""}`;
  return [left, signed, `${events} events on ${streams} timelines: ${found.ok ? "whole" : "NOT whole"}.`];
}

async function printHeads(audit: Audit): Promise<number> {
  for (const head of await audit.heads()) process.stdout.write(`${JSON.stringify(head)}\n`);
  return 0;
}

function headsIn(text: string): StoredHead[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as StoredHead);
}
