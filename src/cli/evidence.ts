import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cards } from "../actions/index.ts";
import { loadCatalog } from "../catalog/load.ts";
import { loadConfig } from "../config.ts";
import { exportPack } from "../evidence/export.ts";
import { momentIn } from "../evidence/query.ts";
import { createLog } from "../lib/log.ts";
import { projectRoot } from "../lib/root.ts";
import { openAudit } from "../timeline/audit.ts";
import { usageOf } from "./usage.ts";
import { versionNumber } from "./version.ts";

const options = {
  from: { type: "string" },
  to: { type: "string" },
  system: { type: "string" },
  out: { type: "string" },
} as const;

/** Exit code 0: written. 1: written, and the record isn't whole, or refused. 2: it was typed wrong. */
export async function evidence(rest: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...rest], options, strict: true, allowPositionals: true });
  const [what] = positionals;
  if (what === "verifier") return printVerifier();
  if (what !== "export" || values.from === undefined || values.out === undefined) {
    process.stderr.write(usageOf("evidence") ?? "");
    return 2;
  }
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  const { store, catalog, practice } = loaded.config;
  const request = {
    from: momentIn("from", values.from),
    to: values.to === undefined ? null : momentIn("to", values.to),
    ...{ system: values.system ?? null, out: values.out },
  };
  const audit = await openAudit({ ...store, log: createLog("warn") });
  try {
    const { pool, keyring, seals } = audit;
    const systems = loadCatalog(catalog.systemsFolder, cards).catalog;
    const parts = { pool, keyring, seals, catalog: systems, practice, version: versionNumber() };
    const made = await exportPack(request, parts);
    for (const { stream, version, says } of made.problems) process.stderr.write(`${stream} ${version}: ${says}\n`);
    const { records, events, files, manifestSha256, from, to } = made;
    const period = `--from ${from.toISOString()} --to ${to.toISOString()}`;
    process.stdout.write(
      `${values.out}: ${records} records, ${events} events, ${files} files.\nSHA-256 of manifest.json: ${manifestSha256}\nThe same pack again: ${period}\n`,
    );
    return made.problems.length === 0 ? 0 : 1;
  } finally {
    await audit.close();
  }
}

/** The one file an auditor needs, as it is: it runs with Node alone. */
async function printVerifier(): Promise<number> {
  process.stdout.write(await readFile(join(projectRoot(), "verifier", "lifeboat-verify.mjs"), "utf8"));
  return 0;
}
