import type { CommandContext } from "../command/context.ts";
import type { GateState, RunState } from "../incident/state.ts";
import { canonicalBytes } from "../lib/canonical.ts";
import type { Statement } from "./protocol.ts";

/**
 * What a command comes to as something to sign. Where it names a run and an approval request that is open there, the plan and
 * the facts it shows are in it, so that the signature is worth nothing for any other.
 */
export async function statementOf(
  context: CommandContext,
  words: readonly string[],
  nonce: string,
): Promise<{ readonly value: Statement; readonly bytes: Buffer }> {
  const decision = await decisionOf(context, words);
  const value: Statement = {
    lifeboat: "command/1",
    command: words,
    ...(decision && { decision }),
    nonce,
    at: context.timeline.now().toISOString(),
  };
  return { value, bytes: canonicalBytes(value) };
}

/** Null: no run and request are named, or the request isn't open. Then nothing is decided by the signature. */
async function decisionOf(context: CommandContext, words: readonly string[]): Promise<Statement["decision"] | null> {
  const run = words.find((word) => word.startsWith("run-"));
  const request = words.find((word) => word.startsWith("ask-"));
  if (run === undefined || request === undefined) return null;
  const incident = await context.incidents.withRun(run);
  const found = incident?.runs.get(run);
  const gate = found && openRequest(found, request);
  if (!incident || !gate) return null;
  const { planHash, factsHash } = gate;
  return { decision: (words[0] ?? "").toLowerCase(), incident: incident.id, run, request, planHash, factsHash };
}

function openRequest(run: RunState, request: string): GateState | null {
  for (const step of run.steps.values())
    if (step.status === "gate" && step.gate.ask === request && step.gate.outcome === "open") return step.gate;
  return null;
}
