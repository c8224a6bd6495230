import { setTimeout as pause } from "node:timers/promises";
import type { ApplyContext, Done, Evidence, Handle } from "../../src/actions/contract.ts";
import { recovery } from "../../src/engine/recover.ts";
import type { ActionHarness } from "./action-harness.ts";
import { blockedBy } from "./action-harness.ts";

const LOOK_AGAIN_MS = 20;

/** What became of one attempt, as the engine would write it on the timeline. */
export type Outcome =
  | { readonly is: "verified"; readonly evidence: Evidence; readonly before: unknown }
  /** Nothing is doubtful; a next attempt begins by looking. `before` is what the intent remembered. */
  | { readonly is: "failed"; readonly why: string; readonly before: unknown }
  | { readonly is: "asksAPerson"; readonly why: string; readonly before: unknown }
  /** The process died here; `before` is on the timeline. */
  | { readonly is: "died"; readonly before: unknown };

export type Death = "before" | "during" | "after";

export interface AttemptOptions {
  /** Seconds verify may take in all. */
  readonly failSeconds?: number;
  /** What an earlier attempt's intent remembered. */
  readonly before?: unknown;
  readonly dies?: Death;
  /** For one who dies during the call: when the request has arrived. */
  readonly reached?: () => Promise<void>;
}

/** One attempt as `engine/perform.ts` makes it, over the same rule for everything unclear: `recovery`. */
export async function attempt(
  harness: ActionHarness,
  id: string,
  given: unknown,
  { failSeconds = 5, before: remembered = null, dies, reached }: AttemptOptions = {},
): Promise<Outcome> {
  const action = harness.action(id);
  const input = action.input.parse(given);
  const context = contextFor(harness, id, failSeconds);
  const { seen, done } = await lookUntilShown(harness, id, context, input, remembered);
  if (done === "yes") return await prove(context, harness, id, input, remembered ?? seen, null);
  if (remembered !== null && recovery(done, action.repeat) === "ask") {
    return { is: "asksAPerson", why: done, before: remembered };
  }
  const blocked = blockedBy(action.ready(seen, input, context));
  if (blocked.length > 0) return { is: "failed", why: `blocked: ${blocked.join(", ")}`, before: remembered };
  if (dies === "before") return { is: "died", before: seen };
  let handle: Handle;
  try {
    const call = action.apply?.(context, input, seen) ?? Promise.resolve({});
    if (dies === "during") {
      void call.catch(() => {});
      await reached?.();
      return { is: "died", before: seen };
    }
    handle = await call;
  } catch (error) {
    return await settle(context, harness, id, input, seen, error);
  }
  if (dies === "after") return { is: "died", before: seen };
  return await prove(context, harness, id, input, seen, handle);
}

/** A successor finds an intent without an outcome. */
export async function takeOver(
  harness: ActionHarness,
  id: string,
  given: unknown,
  before: unknown,
  failSeconds = 5,
): Promise<Outcome> {
  const action = harness.action(id);
  const input = action.input.parse(given);
  const context = contextFor(harness, id, failSeconds);
  const { done } = await lookUntilShown(harness, id, context, input, before);
  const next = recovery(done, action.repeat);
  if (next === "verify") return await prove(context, harness, id, input, before, null);
  if (next === "ask") return { is: "asksAPerson", why: done, before };
  return await attempt(harness, id, given, { failSeconds, before });
}

/** Counted from now, which is later than the engine counts from: when it was last asked for. */
async function lookUntilShown(
  harness: ActionHarness,
  id: string,
  context: ApplyContext,
  input: unknown,
  before: unknown,
): Promise<{ seen: unknown; done: Done }> {
  const action = harness.action(id);
  const shownBy = performance.now() + (before === null ? 0 : (action.showsWithinSeconds?.(input) ?? 0)) * 1000;
  for (;;) {
    const seen = plain(await action.observe(context, input));
    const done = action.done(seen, input, before);
    if (done !== "no" || performance.now() >= shownBy) return { seen, done };
    await pause(LOOK_AGAIN_MS);
  }
}

async function settle(
  context: ApplyContext,
  harness: ActionHarness,
  id: string,
  input: unknown,
  before: unknown,
  error: unknown,
): Promise<Outcome> {
  const found = await find(harness, id, context, input, before);
  const why = error instanceof Error ? error.message : String(error);
  switch (recovery(found, harness.action(id).repeat)) {
    case "verify":
      return await prove(context, harness, id, input, before, null);
    case "ask":
      return { is: "asksAPerson", why, before };
    default:
      return { is: "failed", why, before };
  }
}

async function prove(
  context: ApplyContext,
  harness: ActionHarness,
  id: string,
  input: unknown,
  before: unknown,
  handle: Handle | null,
): Promise<Outcome> {
  try {
    return { is: "verified", evidence: await harness.action(id).verify(context, input, before, handle), before };
  } catch (error) {
    return await unproven(error);
  }

  async function unproven(error: unknown): Promise<Outcome> {
    const found = await find(harness, id, context, input, before);
    const why = error instanceof Error ? error.message : String(error);
    const asks = recovery(found, harness.action(id).repeat) === "ask";
    return asks ? { is: "asksAPerson", why, before } : { is: "failed", why, before };
  }
}

async function find(
  harness: ActionHarness,
  id: string,
  context: ApplyContext,
  input: unknown,
  before: unknown,
): Promise<Done> {
  const action = harness.action(id);
  try {
    return action.done(plain(await action.observe(context, input)), input, before);
  } catch {
    return "unknown";
  }
}

function contextFor(harness: ActionHarness, id: string, failSeconds: number): ApplyContext {
  const { budget } = harness.action(id);
  return {
    ...harness.context,
    budget: { ...budget, failSeconds },
    progress: (says) => harness.progress.push(says),
    launched: async () => {},
  };
}

/** Exactly what would be read back after a crash. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
