import { WHEN_OPENED } from "../../../templates/messages/kit/form.ts";
import type { Block, Form, Message } from "../../../templates/messages/kit/message.ts";
import type { Instead } from "../../command/command.ts";

/** A form as it came back with what was typed; only in memory, as it may show a secret. */
export interface Submitted {
  readonly callback: string;
  readonly title: string;
  readonly submit: string;
  readonly blocks: readonly Block[];
  readonly values: Values;
  /** Opens one form within three seconds. */
  readonly trigger: string;
}

/** Block id → action id → what Slack says was typed or chosen. */
type Values = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Block ids of what a form says about why it is shown again. */
const WHY = "refused:";

export function submittedIn(view: {
  callback_id: string;
  title: { text: string };
  submit?: { text: string } | null;
  blocks: readonly unknown[];
  state: { values: Values };
}): Omit<Submitted, "trigger"> {
  return {
    callback: view.callback_id,
    title: view.title.text,
    submit: view.submit?.text ?? "",
    blocks: view.blocks as readonly Block[],
    values: view.state.values,
  };
}

/** The fields that may not be left empty. */
export function requiredIn({ blocks }: Pick<Submitted, "blocks">): readonly string[] {
  return inputsOf(blocks)
    .filter(({ optional }) => optional !== true)
    .flatMap(({ block_id }) => (typeof block_id === "string" ? [block_id] : []));
}

export function fieldsOf({ blocks }: Pick<Submitted, "blocks">): readonly string[] {
  return inputsOf(blocks).flatMap(({ block_id }) => (typeof block_id === "string" ? [block_id] : []));
}

/**
 * The same form with everything that was typed in it, except codes, which are good once; above it, why it was refused, in the place of what it
 * said of how things stood.
 */
export function filledIn(
  form: Submitted,
  why: Message,
  codes: readonly string[],
  carries: string,
  instead?: Instead,
): Form {
  const said = why.blocks.length > 0 ? why.blocks : [{ type: "section", text: { type: "mrkdwn", text: why.text } }];
  const shown = said.filter(({ type }) => type === "section" || type === "context");
  return {
    callback: instead?.verb ?? form.callback,
    title: form.title,
    submit: instead?.label ?? form.submit,
    actionValue: carries,
    blocks: [
      ...shown.map((block, at) => ({ ...block, block_id: `${WHY}${at}` })),
      ...form.blocks
        .filter(({ block_id }) => !String(block_id).startsWith(WHY) && block_id !== WHEN_OPENED)
        .map((block) => fill(block, form, codes)),
      ...(instead?.fields ?? []).filter(({ block_id }) => !fieldsOf(form).includes(String(block_id))),
    ],
  };
}

/** Something stands in it that would have to be typed or picked again; codes are good once, and lists are chosen from in a moment. */
export function holdsWork(form: Submitted, codes: readonly string[]): boolean {
  return inputsOf(form.blocks).some((block) => {
    if (codes.includes(String(block.block_id))) return false;
    const { value, selected_date_time: at } = valueIn(form, block);
    return (typeof value === "string" && value.trim() !== "") || typeof at === "number";
  });
}

/** What was typed, a line a field, for where the form can't be shown again. For mrkdwn, not escaped. */
export function typedIn(
  form: Submitted,
  codes: readonly string[],
): readonly (readonly [label: string, typed: string])[] {
  return inputsOf(form.blocks).flatMap((block) => {
    const element = block.element as Record<string, unknown>;
    const { value } = valueIn(form, block);
    const typed = typeof value === "string" && value.trim() !== "" && element.type === "plain_text_input";
    if (!typed || codes.includes(String(block.block_id))) return [];
    return [[String((block.label as { text?: unknown }).text ?? block.block_id), value] as const];
  });
}

function fill(block: Block, form: Submitted, codes: readonly string[]): Block {
  if (block.type !== "input") return block;
  const empty = emptied(block.element as Record<string, unknown>);
  const value = codes.includes(String(block.block_id)) ? {} : initialFrom(valueIn(form, block));
  return { ...block, element: { ...empty, ...value } };
}

function emptied(element: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(element).filter(([key]) => !key.startsWith("initial_")));
}

function valueIn({ values }: Pick<Submitted, "values">, block: Block): Record<string, unknown> {
  const { action_id } = block.element as { action_id?: string };
  return (values[String(block.block_id)]?.[String(action_id)] ?? {}) as Record<string, unknown>;
}

/** `value`, `selected_option`, `selected_users`, … of what was sent, as the `initial_…` of what is shown. */
function initialFrom(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => {
      if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) return [];
      if (key === "value") return [["initial_value", value]];
      return key.startsWith("selected_") ? [[`initial_${key.slice("selected_".length)}`, value]] : [];
    }),
  );
}

function inputsOf(blocks: readonly Block[]): readonly Block[] {
  return blocks.filter(({ type }) => type === "input");
}
