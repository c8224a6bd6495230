import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { projectRoot } from "../../../src/lib/root.ts";
import { GUARDS } from "./list.ts";

interface Report {
  readonly failed: readonly {
    readonly seed: number;
    readonly complaints: readonly { readonly invariant: string; readonly says: string }[];
  }[];
}

/** Plays the same seeds without each guard; true: the simulation complained of every one. `only`: ids; empty: all. */
export async function tryGuards(only: readonly string[], runs: number): Promise<boolean> {
  let missed = 0;
  for (const { id, says } of GUARDS.filter((guard) => only.length === 0 || only.includes(guard.id))) {
    const found = await without(id, runs);
    if (found === null) missed += 1;
    console.log(`${found === null ? "MISSED" : "found "} ${id} (${says})${found === null ? "" : `: ${found}`}`);
  }
  console.log(
    missed === 0 ? "Every guard that is taken out is missed by the auditor." : `${missed} not found in ${runs} runs`,
  );
  return missed === 0;
}

/** What was complained of first; null: nothing. What doesn't come to an end by itself counts as found. */
async function without(id: string, runs: number): Promise<string | null> {
  const args = [
    "--import",
    "tsx",
    "test/simulation/index.ts",
    "--without",
    id,
    "--runs",
    String(runs),
    "--until-found",
    "--json",
  ];
  const options = { cwd: projectRoot(), maxBuffer: 1e8, timeout: 240_000 };
  const { stdout = "", stderr = "" } = await promisify(execFile)(process.execPath, args, options).catch(
    (failed: { stdout?: string; stderr?: string }) => failed,
  );
  if (!stdout.startsWith("{"))
    return `it did not run: ${stderr.split("\n").find((line) => /Error/.test(line)) ?? "no end"}`;
  const [first] = (JSON.parse(stdout) as Report).failed;
  const complaint = first?.complaints[0];
  return first === undefined || complaint === undefined
    ? null
    : `seed ${first.seed}, ${complaint.invariant}: ${complaint.says}`;
}
