import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { projectRoot } from "../../../src/lib/root.ts";
import { GUARDS, type Guard } from "./list.ts";

interface Report {
  readonly failed: readonly {
    readonly seed: number;
    readonly complaints: readonly { readonly invariant: string; readonly says: string }[];
  }[];
}

/** `found`: what was complained of first. `missed`: nothing was. `not tried`: why the sources could not be played without it. */
export interface Tried {
  readonly guard: Guard;
  readonly outcome: "found" | "missed" | "not tried";
  readonly says: string;
}

/** How the simulation is started: `node` and these. */
const PROGRAM = ["--import", "tsx", "test/simulation/index.ts"];
/** A run that never ends counts as found, milliseconds. */
const ENDLESS_MS = 240_000;

/** Plays seeds without each guard, those it was found by first; true: each was found. `only`: ids; empty: all. */
export async function tryGuards(only: readonly string[], runs: number): Promise<boolean> {
  const tried: Tried[] = [];
  for (const guard of GUARDS.filter(({ id }) => only.length === 0 || only.includes(id))) {
    const one = await tryGuard(guard, runs);
    tried.push(one);
    console.log(`${one.outcome.padEnd(9)} ${guard.id} (${guard.says}): ${one.says}`);
  }
  const missed = tried.filter(({ outcome }) => outcome !== "found").length;
  console.log(missed === 0 ? `All ${tried.length} are found.` : `${missed} of ${tried.length} are not found.`);
  return missed === 0;
}

export async function tryGuard(guard: Guard, runs: number, program: readonly string[] = PROGRAM): Promise<Tried> {
  const level = guard.level === "bot" ? [] : ["--core"];
  const seeds = ["--from", String(guard.seed), "--runs", String(runs), "--workers", "1", "--until-found", "--json"];
  const args = [...program, "--without", guard.id, ...level, ...seeds];
  const options = {
    cwd: projectRoot(),
    maxBuffer: 1e8,
    timeout: ENDLESS_MS,
    env: { ...process.env, NODE_OPTIONS: "" },
  };
  const {
    stdout = "",
    stderr = "",
    killed = false,
  } = await promisify(execFile)(process.execPath, args, options).then(
    (ended) => ({ ...ended, killed: false }),
    (failed: { stdout?: string; stderr?: string; killed?: boolean }) => failed,
  );
  if (killed) return { guard, outcome: "found", says: "a run did not come to an end" };
  if (!stdout.startsWith("{")) return { guard, outcome: "not tried", says: stderr.trim().slice(-600) };
  const [first] = (JSON.parse(stdout) as Report).failed;
  const complaint = first?.complaints[0];
  if (first === undefined || complaint === undefined) return { guard, outcome: "missed", says: `in ${runs} runs` };
  return { guard, outcome: "found", says: `seed ${first.seed}, ${complaint.invariant}: ${complaint.says}` };
}
