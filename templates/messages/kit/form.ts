import { LIMITS } from "../../../src/incident/decide/words.ts";
import { plainText, section } from "./blocks.ts";
import { cut, plain, safe } from "./escape.ts";
import type { Block, Form } from "./message.ts";

/** Inputs of a form. The block's id is the key the answer comes back under in `Request.form`. */

export function textInput(
  id: string,
  label: string,
  options: {
    optional?: boolean;
    many?: boolean;
    hint?: string;
    placeholder?: string;
    initial?: string;
    /** Characters at most; 2000 if left out. */
    length?: number;
    /** The verb that is told when Enter is pressed in it. */
    tells?: string;
  } = {},
): Block {
  const length = options.length ?? 2000;
  return input(id, label, options, {
    type: "plain_text_input",
    ...(options.tells && { dispatch_action_config: { trigger_actions_on: ["on_enter_pressed"] } }),
    multiline: options.many ?? false,
    max_length: length,
    ...(options.placeholder && { placeholder: plainText(options.placeholder) }),
    ...(options.initial && { initial_value: cut(options.initial, length) }),
  });
}

/** What every input is framed by. `tells`: the verb that is told at once of what is done in it. */
function input(
  id: string,
  label: string,
  { optional = false, hint, tells }: { optional?: boolean; hint?: string; tells?: string },
  element: { readonly type: string } & Readonly<Record<string, unknown>>,
): Block {
  return {
    type: "input",
    block_id: id,
    label: plainText(label),
    optional,
    ...(hint && { hint: plainText(hint) }),
    ...(tells && { dispatch_action: true }),
    element: { ...element, action_id: tells ? `${tells}:${id}` : id },
  };
}

/** A moment, chosen in the reader's own zone, to the minute. It comes back as seconds since 1970. */
export function momentInput(
  id: string,
  label: string,
  /** `tells`: the verb that is told at once what was chosen. */
  options: { optional?: boolean; hint?: string; initial?: Date; tells?: string } = {},
): Block {
  return input(id, label, options, {
    type: "datetimepicker",
    ...(options.initial && { initial_date_time: Math.floor(options.initial.getTime() / 1000) }),
  });
}

/** A day. It comes back as `YYYY-MM-DD`. */
export function dateInput(id: string, label: string, options: { optional?: boolean; hint?: string } = {}): Block {
  return input(id, label, options, { type: "datepicker" });
}

/** A whole number; Slack holds it against its bounds while it is typed. */
export function numberInput(
  id: string,
  label: string,
  options: {
    optional?: boolean;
    hint?: string;
    placeholder?: string;
    initial?: string;
    min?: number;
    max?: number;
  } = {},
): Block {
  const { initial, min, max } = options;
  return input(id, label, options, {
    type: "number_input",
    is_decimal_allowed: false,
    ...(options.placeholder && { placeholder: plainText(options.placeholder) }),
    ...(initial !== undefined && /^-?\d+$/.test(initial) && { initial_value: initial }),
    ...(min !== undefined && { min_value: String(min) }),
    ...(max !== undefined && { max_value: String(max) }),
  });
}

export interface Choice {
  readonly value: string;
  readonly says: string;
}

export function choiceInput(
  id: string,
  label: string,
  choices: readonly Choice[],
  /** `tells`: the verb that is told at once what was chosen. */
  options: { optional?: boolean; initial?: string; hint?: string; tells?: string } = {},
): Block {
  const initial = choices.find(({ value }) => value === options.initial);
  return input(id, label, options, {
    type: "static_select",
    options: choices.slice(0, CHOICES_MAX).map(option),
    ...(initial && { initial_option: option(initial) }),
  });
}

/** Any number of the choices. They come back with commas between their values. */
export function choicesInput(
  id: string,
  label: string,
  choices: readonly Choice[],
  options: { optional?: boolean; initial?: readonly string[]; hint?: string } = {},
): Block {
  const shown = choices.slice(0, CHOICES_MAX);
  const initial = shown.filter(({ value }) => options.initial?.includes(value));
  return input(id, label, options, {
    type: "multi_static_select",
    options: shown.map(option),
    ...(initial.length > 0 && { initial_options: initial.map(option) }),
  });
}

/** Slack shows so many in one list. */
export const CHOICES_MAX = 100;

/** One box, empty unless `checked`. It comes back as its value, or as an empty text. */
export function checkInput(id: string, label: string, box: Choice, checked = false): Block {
  return input(
    id,
    label,
    { optional: true },
    { type: "checkboxes", options: [option(box)], ...(checked && { initial_options: [option(box)] }) },
  );
}

function option({ value, says }: Choice): object {
  return { text: plainText(cut(plain(says), 75)), value };
}

/** What a form says of how things stood when it was opened. Shown again with a refusal, it goes: the refusal says how they stand now. */
export const WHEN_OPENED = "when-opened";

/** `stays`: its words hold whatever happens meanwhile. */
export function reasonForm(
  callback: string,
  title: string,
  submit: string,
  actionValue: string,
  says: string,
  stays = false,
): Form {
  const words = section(safe(says));
  return {
    callback,
    title: cut(title, 24),
    submit: cut(submit, 24),
    actionValue,
    blocks: [stays ? words : { ...words, block_id: WHEN_OPENED }, textInput("reason", "Reason", REASON)],
  };
}

/** A reason as the record keeps it: what is longer would be cut. */
export const REASON = { many: true, length: LIMITS.reason } as const;

/** Below a field whose value can't be taken. */
export const FIELD_ERRORS = {
  future: "That's in the future. Choose a time that has passed.",
  past: "That's in the past. Choose a time that's still to come.",
  empty: "Fill this in.",
  code: "A code has six digits.",
} as const;
