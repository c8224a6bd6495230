import { allowedOf, INPUT_LENGTH_MAX } from "../../../src/catalog/input-words.ts";
import type { Input, Plan, Runbook } from "../../../src/catalog/types.ts";
import type { Problem } from "../../../src/lib/errors.ts";
import { actions, type Button, section } from "../kit/blocks.ts";
import { cut, ended, plain, safe } from "../kit/escape.ts";
import { choiceInput, momentInput, numberInput, textInput } from "../kit/form.ts";
import { code } from "../kit/help.ts";
import type { Block, Form, Message } from "../kit/message.ts";

/** Why a runbook was not started yet: what it has to be told, the line to type, and a form that keeps what was typed, unless it is too much. */
export function inputsRequested(
  runbook: Runbook,
  problems: readonly Problem[],
  line: string,
  actionValue: string | null,
): Message {
  const asked = problems.every(({ code }) => code === "input-missing");
  const head = asked ? `“${runbook.title}” needs input` : `“${runbook.title}” was not started`;
  const said = problems.map(({ code, what, allowed, next }) =>
    [code === "input-missing" ? undefined : what, allowed, next]
      .flatMap((part) => (part === undefined ? [] : [ended(part)]))
      .join(" "),
  );
  const type = `Type ${code(line)}`;
  return {
    text: `${safe(head)}. ${said.map(safe).join(" ")} ${type}`,
    blocks: [
      section(cutLines([`${asked ? "" : "⛔ "}*${safe(head)}*`, ...said.map((one) => `• ${safe(one)}`)])),
      section(`*Next:* ${type}${actionValue === null ? "." : ", or fill in the form."}`),
      ...(actionValue === null ? [] : [actions(fillIn(runbook, actionValue))]),
    ],
  };
}

function fillIn({ title }: Runbook, actionValue: string): Button {
  return { label: "Fill in…", verb: "runbook.inputs", actionValue, style: "primary", aloud: `Fill in ${title}` };
}

function cutLines(all: readonly string[]): string {
  return all
    .map((line) => cut(line, 900))
    .join("\n")
    .slice(0, 2990);
}

/** `initial`: what was typed so far, right or wrong. */
export function inputsForm(runbook: Runbook, initial: ReadonlyMap<string, string>, actionValue: string): Form {
  return {
    callback: "runbook.inputs",
    title: cut(plain(runbook.title), 24),
    submit: "Run preflight",
    actionValue,
    blocks: [
      section(`*${safe(runbook.title)}*\nPreflight checks run first. Nothing changes until people approve.`),
      ...inputFields(runbook, initial),
    ],
  };
}

export function inputFields({ inputs = [] }: Runbook, initial: ReadonlyMap<string, string>): readonly Block[] {
  return inputs.flatMap((input) => field(input, initial.get(input.name) ?? shown(input.default)));
}

/** Block ids: `input.<name>`, and for the seconds of a moment, which no picker has, `seconds.<name>`. */
export const FIELD = "input.";
export const SECONDS_FIELD = "seconds.";

function field(input: Input, initial: string | undefined): Block | readonly Block[] {
  const id = FIELD + input.name;
  const label = cut(plain(input.name), 48);
  const hint = plain(input.description);
  const given = { optional: input.default !== null, ...(initial !== undefined && { initial }) };
  switch (input.type) {
    case "choice":
      return choiceInput(
        id,
        label,
        input.choices.map((value) => ({ value, says: value })),
        { ...given, hint },
      );
    case "boolean":
      return choiceInput(
        id,
        label,
        [
          { value: "true", says: "Yes" },
          { value: "false", says: "No" },
        ],
        { ...given, hint },
      );
    case "moment":
      return moment(input.name, label, hint, given.optional, initial);
    case "number":
      return numberInput(id, label, {
        ...given,
        hint: cut(plain(allowedOf(input)), 150),
        ...(input.example !== null && { placeholder: String(input.example) }),
        ...(input.min !== null && { min: input.min }),
        ...(input.max !== null && { max: input.max }),
      });
    case "text":
      return textInput(id, label, {
        ...given,
        hint,
        length: INPUT_LENGTH_MAX,
        ...(input.example !== null && { placeholder: String(input.example) }),
      });
    default:
      return input.type satisfies never;
  }
}

/** Slack's picker knows minutes; what is restored to a moment may need the second. */
function moment(name: string, label: string, hint: string, optional: boolean, initial: string | undefined): Block[] {
  const at = initial === undefined ? null : new Date(initial);
  const known = at !== null && !Number.isNaN(at.getTime()) ? at : null;
  const seconds = known?.getUTCSeconds() ?? 0;
  return [
    momentInput(FIELD + name, label, {
      optional,
      hint: `${ended(hint)} In your time zone.`,
      ...(known && { initial: known }),
    }),
    numberInput(SECONDS_FIELD + name, `${label}: seconds`, {
      ...{ optional: true, min: 0, max: 59, placeholder: "0", hint: "Only if the minute isn't exact enough." },
      ...(seconds > 0 && { initial: String(seconds) }),
    }),
  ];
}

function shown(value: Input["default"]): string | undefined {
  return value === null ? undefined : String(value);
}

/** "node worker-3, to 2026-11-21T02:13:00Z"; null: it has none. */
export function inputWords({ inputs = [] }: Pick<Plan, "inputs">): string | null {
  if (inputs.length === 0) return null;
  return inputs.map(({ name, value }) => `${safe(name)} *${safe(String(value))}*`).join(", ");
}

const CARD_INPUTS = 2;
/** Of a value on a card: a moment in UTC is one of 20. */
const VALUE_LENGTH = 20;

/** True when a card shows every input and every value whole. */
export function inputsFit({ inputs = [] }: Pick<Plan, "inputs">): boolean {
  return inputs.length <= CARD_INPUTS && inputs.every(({ value }) => String(value).length <= VALUE_LENGTH);
}

/** The same, as short as a card. */
export function inputLine({ inputs = [] }: Pick<Plan, "inputs">): string | null {
  if (inputs.length === 0) return null;
  const shown = inputs
    .slice(0, CARD_INPUTS)
    .map(({ name, value }) => `${safe(name)} *${safe(cut(String(value), VALUE_LENGTH))}*`);
  const more = inputs.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** What a runbook has to be told, a line each: for help. */
export function inputLines({ inputs = [] }: Runbook): readonly string[] {
  return inputs.map((input) => `• ${safe(allowedOf(input))}`);
}
