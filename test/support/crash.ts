import { spawn } from "node:child_process";
import { once } from "node:events";
import type { ApplyContext, Evidence } from "../../src/actions/contract.ts";
import { type Recovery, recovery } from "../../src/engine/recover.ts";
import type { ActionHarness } from "./action-harness.ts";
import { built } from "./built.ts";

export interface Died {
  /** What the intent recorded. */
  readonly before: unknown;
  readonly progress: readonly string[];
  readonly applied: boolean;
}

export interface Death {
  /** Words of the progress sentence at which the process dies; left out: right after the effect. */
  readonly at?: string;
  /** Dies when this resolves, wherever it is. A function is called once the process is there. */
  readonly when?: Promise<unknown> | (() => Promise<unknown>);
  readonly secrets?: Record<string, string>;
}

/** Performs a step in a process of its own, which is killed on the way. */
export async function performAndDie(id: string, input: unknown, death: Death = {}): Promise<Died> {
  const child = spawn(process.execPath, [await built("test/actions/performer.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const kill = () => child.kill("SIGKILL");
  const when = typeof death.when === "function" ? death.when() : death.when;
  void when?.then(kill, kill);
  child.stdin.end(JSON.stringify({ id, input, secrets: death.secrets ?? {}, dieAt: death.at ?? null }));
  await once(child, "close");
  const lines = Buffer.concat(chunks).toString("utf8").trim().split("\n");
  const said = lines.map((line) => JSON.parse(line) as { before?: unknown; progress?: string; applied?: boolean });
  if (said[0]?.before === undefined) throw new Error(`The process never got to the intent: ${lines.join(" ")}`);
  return {
    before: said[0].before,
    progress: said.flatMap((line) => line.progress ?? []),
    applied: said.some((line) => line.applied === true),
  };
}

export interface Recovered {
  readonly way: Recovery;
  readonly evidence: Evidence | null;
}

/** What the engine does with an attempt of which only the intent is known: `src/engine/perform.ts`, by its own rule. */
export async function recoverFrom(
  harness: ActionHarness,
  id: string,
  given: unknown,
  before: unknown,
): Promise<Recovered> {
  const action = harness.action(id);
  const input = harness.input(id, given);
  const context: ApplyContext = {
    ...harness.context,
    budget: action.budget,
    progress: (says) => harness.progress.push(says),
    launched: async () => {},
  };
  let seen: unknown;
  let way: Recovery = "ask";
  for (let look = 0; look < 3; look++) {
    if (look > 0) await new Promise((later) => setTimeout(later, 500));
    seen = await action.observe(context, input);
    way = recovery(action.done(seen, input, before), action.repeat);
    if (way === "verify") return { way, evidence: await action.verify(context, input, before, null) };
  }
  if (way === "ask") return { way, evidence: null };
  const blocked = action.ready(seen, input, context).filter((check) => !check.ok && check.level === "block");
  if (blocked.length > 0) throw new Error(`blocked: ${blocked.map((check) => check.says).join(" ")}`);
  const handle = (await action.apply?.(context, input, seen)) ?? null;
  return { way, evidence: await action.verify(context, input, seen, handle) };
}
