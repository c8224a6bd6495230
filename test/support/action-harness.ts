import type { Action, ApplyContext, Check, Done, Evidence, Handle, ReadContext } from "../../src/actions/contract.ts";
import { actions as listed } from "../../src/actions/index.ts";
import { createLog } from "../../src/lib/log.ts";
import { attributed } from "./calls-made.ts";

/** What an engine does with one step, without a timeline: look, ask, apply once, verify; evidence stays for later steps. */
export interface ActionHarness {
  readonly context: ReadContext;
  readonly progress: string[];
  action(id: string): Action;
  input(id: string, given: unknown): unknown;
  look(id: string, given: unknown): Promise<{ seen: unknown; checks: readonly Check[]; done: Done; facts: Facts }>;
  /** Blocked checks reject; "done" is not applied. Evidence is kept under `step`. */
  perform(step: string, id: string, given: unknown): Promise<Performed>;
  remember(step: string, evidence: Evidence): void;
}

export interface Options {
  readonly practice?: boolean;
  /** Left out: those there are. */
  readonly actions?: ReadonlyMap<string, Action>;
  /** A drill that may touch everything; left out: for real. */
  readonly drill?: boolean;
  /** Ends whatever is in progress. */
  readonly signal?: AbortSignal;
}

export type Facts = Record<string, string | number | boolean | null>;

export interface Performed {
  readonly evidence: Evidence;
  readonly facts: Facts;
  readonly handle: Handle | null;
  readonly applied: boolean;
}

export function actionHarness(environment: Record<string, string>, options: Options = {}): ActionHarness {
  const { actions = listed } = options;
  const evidences = new Map<string, Evidence>();
  const progress: string[] = [];
  const context: ReadContext = {
    ...(options.drill ? { kind: "drill", drill: () => null } : { kind: "real" }),
    signal: options.signal ?? new AbortController().signal,
    log: createLog("silent"),
    practice: options.practice ?? true,
    secret(name) {
      const value = environment[name];
      if (value === undefined) throw new Error(`No secret ${name}`);
      return value;
    },
    evidenceOf: (step) => evidences.get(step) ?? null,
  };
  const action = (id: string): Action => {
    const found = actions.get(id);
    if (!found) throw new Error(`No action ${id}`);
    return attributed(found);
  };
  const harness: ActionHarness = {
    context,
    progress,
    action,
    input: (id, given) => action(id).input.parse(given),
    async look(id, given) {
      const one = action(id);
      const input = one.input.parse(given);
      const seen = await one.observe(context, input);
      return {
        seen,
        checks: one.ready(seen, input, context),
        done: one.done(seen, input, null),
        facts: factsOf(one.facts(seen, input)),
      };
    },
    async perform(step, id, given) {
      const one = action(id);
      const input = one.input.parse(given);
      const { seen, checks, done } = await harness.look(id, given);
      const blocked = checks.filter((check) => !check.ok && check.level === "block");
      if (done !== "yes" && blocked.length > 0)
        throw new Error(`blocked: ${blocked.map((check) => check.id).join(", ")}`);
      const applying: ApplyContext = {
        ...context,
        budget: one.budget,
        progress: (says) => progress.push(says),
        launched: async () => {},
      };
      const applied = done === "no" && one.apply !== undefined;
      const handle = applied && one.apply ? await one.apply(applying, input, seen) : null;
      const evidence = await one.verify(applying, input, seen, handle);
      evidences.set(step, evidence);
      return { evidence, facts: factsOf(evidence.facts), handle, applied };
    },
    remember(step, evidence) {
      evidences.set(step, evidence);
    },
  };
  return harness;
}

export function blockedBy(checks: readonly Check[]): string[] {
  return checks.filter((check) => !check.ok && check.level === "block").map((check) => check.id);
}

function factsOf(facts: Evidence["facts"]): Facts {
  return Object.fromEntries(facts.map((fact) => [fact.id, fact.value]));
}
