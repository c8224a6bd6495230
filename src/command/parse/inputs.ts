import { ended } from "../../../templates/messages/kit/escape.ts";
import { quoted } from "../../../templates/messages/kit/line.ts";
import { strayInput } from "../../../templates/messages/run/command-refusals.ts";
import { FIELD, inputsForm, inputsRequested, SECONDS_FIELD } from "../../../templates/messages/run/inputs.ts";
import type { Scalar } from "../../catalog/reference.ts";
import type { Plan, Runbook } from "../../catalog/types.ts";
import type { FormErrors, Reply, Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { assignedIn } from "./assigned.ts";
import { type Read, readInputs } from "./read-inputs.ts";

/** A button carries no more. */
const CARRIED_MAX = 1900;

/** Every input of the runbook with its value, or what to say instead of starting it. */
export type Gathered =
  | { readonly kind: "values"; readonly values: ReadonlyMap<string, Scalar> }
  | { readonly kind: "reply"; readonly reply: Reply };

interface From {
  /** What an earlier run of it was given; what is said now comes first. */
  readonly kept?: ReadonlyMap<string, Scalar>;
  /** Behind `/dr`, without inputs and options: `runbook node-drain`; left out: as it was typed. */
  readonly head?: string;
  /** As for `assignedIn`. */
  readonly names?: readonly string[];
  /** Words that stand alone behind the runbook's name. */
  readonly strays?: readonly string[];
}

/** Reads what was typed or filled in. Nothing is lost by a mistake: the answer holds all that was right, and the form all that was typed. */
export function gatherInputs(context: CommandContext, request: Request, runbook: Runbook, from: From = {}): Gathered {
  const { words, given } = assignedIn(request.words, from.names ?? null);
  const filled = filledIn(request.form ?? {});
  const typed = new Map([...given, ...filled].filter(([, value]) => value.trim() !== ""));
  const kept = new Map([...(from.kept ?? [])].filter(([name]) => !filled.has(name)));
  const read = withStrays(runbook, readInputs(runbook, typed, kept, context.timeline.now()), from.strays ?? []);
  if (!request.wantsForm && read.problems.length === 0) return { kind: "values", values: read.values };
  const head = from.head ?? [request.verb, ...words].join(" ");
  const behind = optionWords(request.options);
  const line = (values: ReadonlyMap<string, string>) => lineOf(head, values, behind);
  const initial = new Map([...read.written, ...read.wrong]);
  const actionValue = [line(initial), line(new Map())].find((one) => one.length <= CARRIED_MAX) ?? null;
  if (request.canAskForm && request.wantsForm && actionValue !== null)
    return { kind: "reply", reply: { kind: "form", form: inputsForm(runbook, initial, actionValue) } };
  const message = inputsRequested(runbook, read.problems, `/dr ${line(read.next)}`, actionValue);
  return { kind: "reply", reply: { kind: "private", message, refused: true } };
}

/** What is wrong in the fields of a runbook's form. */
export function inputErrors(runbook: Runbook, form: Readonly<Record<string, string>>, now: Date): FormErrors {
  const given = filledIn(form);
  const errors = (runbook.inputs ?? []).flatMap((input) => {
    const typed = given.get(input.name)?.trim() ?? "";
    if (typed === "") return [];
    const read = readInputs({ ...runbook, inputs: [input] }, new Map([[input.name, typed]]), new Map(), now);
    const [problem] = read.problems;
    return problem === undefined
      ? []
      : [[FIELD + input.name, `${ended(problem.what)} ${problem.allowed ?? ""}`.trim()]];
  });
  return Object.fromEntries(errors);
}

/** What stands alone is never left out silently; where one value is missing, it is probably that. */
function withStrays(runbook: Runbook, read: Read, strays: readonly string[]): Read {
  const inputs = runbook.inputs ?? [];
  if (strays.length === 0 || inputs.length === 0) return read;
  const words = strays.join(" ");
  const [open, ...more] = inputs.filter(({ name }) => !read.values.has(name));
  const problems = [strayInput(runbook.title, words), ...read.problems];
  if (open === undefined || more.length > 0) return { ...read, problems };
  return { ...read, problems, next: new Map([...read.next, [open.name, words]]) };
}

/** What a form says of inputs; an empty field is one that was emptied. */
function filledIn(form: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const fields = Object.entries(form).filter(([field]) => field.startsWith(FIELD));
  return new Map(
    fields.map(([field, value]) => {
      const name = field.slice(FIELD.length);
      return [name, toTheSecond(value, form[SECONDS_FIELD + name] ?? "")];
    }),
  );
}

/** A date picker gives whole minutes as seconds since 1970; the seconds stand in a field of their own. */
function toTheSecond(picked: string, seconds: string): string {
  if (!/^\d{10}$/.test(picked) || !/^\d{1,2}$/.test(seconds)) return picked;
  return String(Number(picked) - (Number(picked) % 60) + Number(seconds));
}

/** `runbook node-drain node=worker-3 --dry-run`: what can be typed, and read again. */
function lineOf(head: string, values: ReadonlyMap<string, string>, options: readonly string[]): string {
  const given = [...values].map(([name, value]) => `${name}=${quoted(value)}`);
  return [head, ...given, ...options].join(" ");
}

function optionWords(options: Request["options"]): string[] {
  return Object.entries(options).map(([name, value]) => (value === true ? `--${name}` : `--${name} ${quoted(value)}`));
}

/** What an earlier run was given, as far as its runbook still asks for it. */
export function keptFrom({ plan }: { readonly plan: Plan }, { inputs = [] }: Runbook): ReadonlyMap<string, Scalar> {
  const kept = (plan.inputs ?? []).filter(({ name }) => inputs.some((input) => input.name === name));
  return new Map(kept.map(({ name, value }) => [name, value]));
}

/** True when it can't be started without being told something. */
export function needsInputs({ inputs = [] }: Runbook): boolean {
  return inputs.some((input) => input.default === null);
}

/** What to type for the inputs no one has given yet: `node=…`, `revision=…`; empty where it needs none. */
export function inputsToType({ inputs = [] }: Runbook): readonly string[] {
  return inputs.filter((input) => input.default === null).map(({ name }) => `${name}=…`);
}
