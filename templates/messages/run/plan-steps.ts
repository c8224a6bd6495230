import type { GateStep, PlanStep } from "../../../src/catalog/types.ts";
import { needsSecondFactor } from "../../../src/incident/authority.ts";
import type { GateState, RunState } from "../../../src/incident/state.ts";
import { wayBackOf } from "../../../src/incident/undo.ts";
import { code } from "../approval/forms.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, divider, section } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import type { Block, Form } from "../kit/message.ts";
import { lasting } from "../kit/when.ts";
import { inputsFit } from "./inputs.ts";
import { changes, coveredBy, stepsOf } from "./plan.ts";

/**
 * A card names each step that acts, and counts the others. Where an approval lets more than this happen, it is given behind the
 * list of all steps.
 */
const CARD_STEPS = 10;
const CARD_ACTING_STEPS = 3;
const PAGE_STEPS = 8;
/** Of a value of an input. A longer one is cut, and says how long it is. */
const VALUE_LENGTH = 300;

export interface Shown {
  readonly run: RunState;
  readonly step: GateStep;
  readonly gate: GateState;
}

/** True when the card can't name all that this approval lets happen, or all that it happens with. */
export function isLong({ run, step }: Pick<Shown, "run" | "step">): boolean {
  const covered = coveredBy(run.plan, step.id);
  return covered.length > CARD_STEPS || covered.filter(acts).length > CARD_ACTING_STEPS || !inputsFit(run.plan);
}

/** Everything but a look at a target and a wait: it changes something, or people do. */
export function acts(step: PlanStep): boolean {
  return changes(step) || step.kind === "manual";
}

export function pagesOf({ run }: Pick<Shown, "run">): number {
  return Math.max(1, Math.ceil(stepsOf(run.plan).length / PAGE_STEPS));
}

/** "All 61 steps", on the card. */
export function stepsButton({ run, gate }: Shown, own: { detail?: string } = {}): Button {
  const count = stepsOf(run.plan).length;
  return {
    ...own,
    label: `All ${count} steps`,
    verb: "plan.steps",
    actionValue: actionValue(run.id, gate.ask),
    aloud: `All ${count} steps of the plan, with targets and effects`,
  };
}

/**
 * A page of everything the plan does: each step with its target, effect, inputs, script and full hash. While the question is
 * open, Approve stands on the last page and nowhere before it. `page` counts from 1.
 */
export function stepsForm(shown: Shown, wanted: number): Form {
  const { run, step, gate } = shown;
  const steps = stepsOf(run.plan);
  const pages = pagesOf(shown);
  const page = Math.min(Math.max(1, wanted), pages);
  const first = (page - 1) * PAGE_STEPS;
  const covered = new Set(coveredBy(run.plan, step.id).map(({ id }) => id));
  const last = page === pages;
  const decides = last && gate.outcome === "open";
  const carries = actionValue(run.id, gate.ask, page);
  const listed = steps
    .slice(first, first + PAGE_STEPS)
    .flatMap((one, n) => [section(stepLines(one, first + n + 1, covered.has(one.id)).join("\n"))]);
  return {
    callback: decides ? "gate.approve" : "plan.steps",
    title: `All ${steps.length} steps`,
    submit: decides ? "Approve" : "",
    actionValue: carries,
    blocks: [
      section(`*${safe(cut(run.plan.title, 200))}*\n${safe(cut(run.plan.target, 500))}`),
      context(`Page ${page} of ${pages} · plan \`${gate.planHash}\` · facts \`${gate.factsHash}\``),
      ...listed,
      divider,
      ...turns(carries, page, pages),
      ...(last && !decides ? [section(OVER[gate.outcome])] : []),
      ...(decides ? [section(`*Data loss:* ${safe(gate.loss)}`)] : []),
      ...(decides && needsSecondFactor(run, gate) ? [code()] : []),
    ],
  };
}

/** Why there is nothing to approve on the last page. */
const OVER: Readonly<Record<GateState["outcome"], string>> = {
  open: "",
  passed: "Already approved.",
  denied: "Denied: nothing to approve.",
  expired: "Expired: request approval again.",
  voided: "Void: something it showed has changed. Use the new request in the thread.",
};

function turns(actionValue: string, page: number, pages: number): Block[] {
  const buttons: Button[] = [
    ...(page > 1 ? [{ label: "Previous", verb: "plan.previous", actionValue: actionValue }] : []),
    ...(page < pages
      ? [{ label: "Next", verb: "plan.next", actionValue: actionValue, style: "primary" as const }]
      : []),
  ];
  return buttons.length === 0 ? [] : [actions(...buttons)];
}

/** A step as lines, for the form and for the command line. */
export function stepLines(step: PlanStep, number: number, covered: boolean): string[] {
  const head = `*${number}. ${safe(cut(step.title, 200))}*${covered ? " · starts with this approval" : ""}`;
  const when = step.when === null ? [] : [`*Only when:* ${safe(`${step.when.step} · ${step.when.fact}`)}`];
  switch (step.kind) {
    case "action":
      return [head, ...when, ...actionLines(step)];
    case "gate":
      return [head, ...when, `*Approval:* ${step.gate.quorum} × ${safe(step.gate.role)}`];
    case "manual":
      return [head, ...when, `*Manual step:* ${safe(cut(step.instructions, 1000))}`];
    case "wait":
      return [head, ...when, `*Waits:* ${lasting(step.seconds)}`];
    default:
      return step satisfies never;
  }
}

function actionLines(step: Extract<PlanStep, { kind: "action" }>): string[] {
  const given = Object.entries(record(step.input));
  const files = given.filter(([, value]) => typeof record(value).sha256 === "string");
  const target = given.filter((one) => !files.includes(one)).map(([name, value]) => `${name} = ${valueWords(value)}`);
  return [
    `*Action:* ${safe(step.action)} · *Effect:* ${effect(step)}`,
    ...(target.length > 0 ? [`*Target:* ${safe(cut(target.join(", "), 1500))}`] : []),
    ...files.flatMap(([name, value]) => fileLines(name, record(value))),
  ];
}

const EFFECTS = {
  read: "only looks",
  reversible: "changes something",
  disruptive: "interrupts service",
  irreversible: "can't be undone",
} as const;

function effect(step: Extract<PlanStep, { kind: "action" }>): string {
  const risk = EFFECTS[step.risk];
  if (!changes(step)) return risk;
  const way = wayBackOf(step);
  const back = way?.kind === "never" ? "can't be undone" : way?.kind === "by-hand" ? "undone by hand" : null;
  return back === null || back === risk ? risk : `${risk}, ${back}`;
}

/** A script or another file the step runs, as its bytes were when it was planned. */
function fileLines(name: string, { path, sha256, ...more }: Readonly<Record<string, unknown>>): string[] {
  const rest = Object.entries(more).map(([key, value]) => `${key} = ${valueWords(value)}`);
  return [
    `*${name === "script" ? "Script" : safe(name)}:* ${safe(String(path ?? ""))}`,
    `*SHA-256:* ${safe(String(sha256))}`,
    ...(rest.length > 0 ? [safe(cut(rest.join(", "), 800))] : []),
  ];
}

function valueWords(value: unknown): string {
  const words = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return words.length > VALUE_LENGTH ? `${cut(words, VALUE_LENGTH)} (${words.length} characters)` : words;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
