import { plainText } from "./blocks.ts";
import { cut, plain } from "./escape.ts";
import type { Block } from "./message.ts";

/** Inputs of a form. The block's id is the key the answer comes back under in `Request.form`. */

export function textInput(
  id: string,
  label: string,
  options: { optional?: boolean; many?: boolean; hint?: string; placeholder?: string; initial?: string } = {},
): Block {
  return {
    type: "input",
    block_id: id,
    label: plainText(label),
    optional: options.optional ?? false,
    ...(options.hint && { hint: plainText(options.hint) }),
    element: {
      type: "plain_text_input",
      action_id: id,
      multiline: options.many ?? false,
      max_length: 2000,
      ...(options.placeholder && { placeholder: plainText(options.placeholder) }),
      ...(options.initial && { initial_value: cut(options.initial, 2000) }),
    },
  };
}

export interface Choice {
  readonly value: string;
  readonly says: string;
}

export function choiceInput(
  id: string,
  label: string,
  choices: readonly Choice[],
  options: { optional?: boolean; initial?: string; hint?: string } = {},
): Block {
  const initial = choices.find(({ value }) => value === options.initial);
  return {
    type: "input",
    block_id: id,
    label: plainText(label),
    optional: options.optional ?? false,
    ...(options.hint && { hint: plainText(options.hint) }),
    element: {
      type: "static_select",
      action_id: id,
      options: choices.slice(0, 100).map(option),
      ...(initial && { initial_option: option(initial) }),
    },
  };
}

function option({ value, says }: Choice): object {
  return { text: plainText(cut(plain(says), 75)), value };
}
