import { canonicalBytes, sha256 } from "../lib/canonical.ts";
import type { Problem } from "../lib/errors.ts";
import { heldAs } from "./drill.ts";
import { type Planned, statedBy } from "./plan.ts";
import type { ActionCard, ActionStep, GateStep, Inverse, Mode, Plan, PlanStep } from "./types.ts";

/** The step of an undo's plan that takes back what was done. */
export const UNDO_STEP = "undo";

export interface UndoRequest {
  /** The plan the step was a part of, and the run that carried it out. */
  readonly plan: Plan;
  readonly run: string;
  readonly step: ActionStep;
  /** What its intent recorded as there before. */
  readonly before: unknown;
  readonly verified: boolean;
  /** The gates that covered the step: the same people decide about taking it back. Several were asked together, and are again. */
  readonly gates: readonly GateStep[];
  /** What came after it and only people can take back, in the order in which they do. */
  readonly byHand: readonly { readonly title: string; readonly says: string }[];
  /** `unplanned`: the person accepts that a server which has to be asked does not answer. */
  readonly mode: Mode;
  readonly cards: ReadonlyMap<string, ActionCard>;
}

/**
 * The plan that takes one step back: the gates that covered it, what people take back first, and one call of the action
 * that its own action names. An engine runs it like any other: looked at before, verified by looking afterwards.
 */
export function planUndo(request: UndoRequest): Planned {
  const { plan, step, before, mode, cards } = request;
  const card = cards.get(step.action);
  if (card === undefined) return no("action-unknown", step, `This version has no action "${step.action}"`);
  const calls = plan.stages.flatMap(({ steps }) => steps).filter((one) => one.kind === "action");
  const back = card.undo(before, step.input, {
    calls: calls.map(({ action, input }) => ({ action, input })),
    acceptUnreachable: mode === "unplanned",
  });
  if (back.kind !== "step") return no(`undo-${back.kind}`, step, back.says, REASONS[back.kind]);
  const inverse = cards.get(back.action);
  const checked = inverse?.checkInput(back.input);
  if (inverse === undefined || !checked?.ok)
    return no("undo-unfit", step, "There is no automatic undo for this step", `Undo it by hand: ${back.says}`);
  return sealed(request, back, inverse, checked.input);
}

const REASONS = {
  never: "It can't be undone. Rebuild what was there before",
  "by-hand": "Undo it by hand, then note it: `/dr note <what was done>`",
  nothing: "Nothing needs to be undone",
} as const;

function sealed(request: UndoRequest, back: Inverse, card: ActionCard, input: unknown): Planned {
  const { plan, run, step, before, verified, gates, byHand, mode } = request;
  const acceptable = isAcceptable(back.input) && mode === "planned";
  const undo: ActionStep = {
    kind: "action",
    id: UNDO_STEP,
    title: back.says,
    when: null,
    action: card.id,
    input,
    risk: card.risk,
    repeat: card.repeat,
    budget: card.budget,
    retries: 0,
    ...statedBy(card, input),
  };
  const people = byHand.map(
    ({ title, says }, n): PlanStep => ({
      kind: "manual",
      id: `by-hand-${n + 1}`,
      title: `Undo by hand: ${title}`,
      when: null,
      instructions: says,
      role: null,
    }),
  );
  const made: Plan = {
    format: 1,
    system: plan.system,
    systemTitle: plan.systemTitle,
    environment: plan.environment,
    runbook: `undo:${step.id}`,
    title: `Undo “${step.title}”`,
    summary: `Undoes “${step.title}” of “${plan.title}” (${run}).`,
    component: plan.component,
    mode,
    kind: plan.kind,
    ...(plan.drill !== undefined && { drill: plan.drill }),
    target: back.says,
    resources: heldAs(card.resources(input), plan.drill ?? null),
    rtoSeconds: null,
    rpoSeconds: null,
    pointOfNoReturn: undo.undo?.kind === "never" ? UNDO_STEP : null,
    stages: [
      {
        id: "decide",
        title: "Decide",
        parallel: gates.length > 1,
        steps: gates.map((gate, n) => ({
          ...gate,
          id: n === 0 ? "approve" : `approve-${n + 1}`,
          title: `Undo of “${step.title}”${n === 0 ? "" : `, approval ${n + 1} of ${gates.length}`}`,
          when: null,
        })),
      },
      { id: "undo", title: "Undo", parallel: false, steps: [...people, undo] },
    ],
    ...(acceptable && {
      beforehand: [
        `If a server doesn't answer, accept the risk of two primaries: \`/dr undo ${step.id} ${run} --unplanned\``,
      ],
    }),
    ...(back.givesUp !== undefined && { givesUp: [back.givesUp] }),
    afterwards: [],
    undoes: { run, step: step.id, action: step.action, input: step.input, before, verified },
  };
  const bytes = canonicalBytes(made);
  return { ok: true, plan: JSON.parse(bytes.toString("utf8")) as Plan, bytes, hash: sha256(bytes) };
}

/** Whether going on without an answer is something a person can accept. */
function isAcceptable(input: unknown): boolean {
  return typeof input === "object" && input !== null && "acceptUnreachable" in input;
}

function no(code: string, step: ActionStep, what: string, next?: string): Planned {
  const problem: Problem = { code, where: step.title, what, ...(next === undefined ? {} : { next }) };
  return { ok: false, problems: [problem] };
}
