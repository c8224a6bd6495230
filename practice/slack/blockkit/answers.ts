import type { Block, Element, Json, View } from "../objects.ts";
import { SlackRefusal } from "../refusal.ts";
import { elementsOf } from "./check.ts";

/** What a person chose or typed, plainly: a text, an option's value, a user's id, a date; several; or nothing. */
export type Choice = string | number | readonly string[] | null;
/** block id → action id → choice, as the page and the driver send it. */
export type Filled = Readonly<Record<string, Readonly<Record<string, Choice>>>>;

/** The same in Slack's form, for one element: `{ type, selected_option: { text, value } }` and its kind. */
export function answerOf(element: Element, choice: Choice): Json {
  const { type } = element;
  switch (type) {
    case "static_select":
    case "external_select":
    case "radio_buttons":
    case "overflow":
      return { type, selected_option: choice === null ? null : optionOf(element, String(choice)) };
    case "multi_static_select":
    case "checkboxes":
      return { type, selected_options: several(choice).map((value) => optionOf(element, value)) };
    case "users_select":
    case "channels_select":
    case "conversations_select":
      return { type, [`selected_${singular(type)}`]: choice === null ? null : String(choice) };
    case "multi_users_select":
    case "multi_channels_select":
    case "multi_conversations_select":
      return { type, [`selected_${singular(type)}s`]: several(choice) };
    case "datepicker":
      return { type, selected_date: choice };
    case "timepicker":
      return { type, selected_time: choice };
    case "datetimepicker":
      return { type, selected_date_time: choice === null || choice === "" ? null : Number(choice) };
    default:
      return { type, value: choice === null || choice === "" ? null : String(choice) };
  }
}

/** The state Slack sends with a view or message: what was filled in, else each element's initial value. */
export function stateOf(blocks: readonly Block[], filled: Filled): Record<string, Record<string, Json>> {
  const state: Record<string, Record<string, Json>> = {};
  for (const block of blocks)
    for (const element of elementsOf(block) as Element[]) {
      if (!keepsState(element) || !block.block_id || !element.action_id) continue;
      const given = filled[block.block_id]?.[element.action_id];
      state[block.block_id] ??= {};
      (state[block.block_id] as Record<string, Json>)[element.action_id] = answerOf(
        element,
        given === undefined ? initialOf(element) : given,
      );
    }
  return state;
}

/** What Slack's own client would not let through: block id → what is wrong. */
export function gapsIn(view: View, filled: Filled): Record<string, string> {
  const gaps: Record<string, string> = {};
  for (const block of view.blocks.filter((one) => one.type === "input")) {
    const element = block.element as Element;
    const given = filled[block.block_id as string]?.[element.action_id as string];
    const gap = gapOf(block, element, given === undefined ? initialOf(element) : given);
    if (gap) gaps[block.block_id as string] = gap;
  }
  return gaps;
}

function gapOf(block: Block, element: Element, choice: Choice): string | undefined {
  const empty = choice === null || choice === "" || (Array.isArray(choice) && choice.length === 0);
  if (empty) return block.optional ? undefined : "Please complete this required field.";
  const length = String(choice).length;
  if (element.type === "plain_text_input") {
    const max = Number(element.max_length ?? 3000);
    if (length > max) return `Please enter at most ${max} characters.`;
    if (length < Number(element.min_length ?? 0))
      return `Please enter at least ${Number(element.min_length)} characters.`;
  }
  if (element.type === "number_input") return numberGap(element, String(choice));
  if (element.type === "email_text_input" && !/^\S+@\S+\.\S+$/.test(String(choice)))
    return "Please enter an email address.";
  if (element.type === "url_text_input" && !/^https?:\/\/\S+$/.test(String(choice))) return "Please enter a link.";
  return undefined;
}

function numberGap(element: Element, choice: string): string | undefined {
  const value = Number(choice);
  if (Number.isNaN(value)) return "Please enter a number.";
  if (!element.is_decimal_allowed && !Number.isInteger(value)) return "Please enter a whole number.";
  if (element.min_value !== undefined && value < Number(element.min_value))
    return `At least ${String(element.min_value)}.`;
  if (element.max_value !== undefined && value > Number(element.max_value))
    return `At most ${String(element.max_value)}.`;
  return undefined;
}

export function initialOf(element: Element): Choice {
  const option = element.initial_option as { value?: string } | undefined;
  const options = element.initial_options as { value: string }[] | undefined;
  const several = options?.map((one) => one.value) ?? element.initial_users ?? element.initial_channels;
  const single =
    option?.value ??
    element.initial_value ??
    element.initial_user ??
    element.initial_channel ??
    element.initial_conversation ??
    element.initial_date ??
    element.initial_time ??
    element.initial_date_time;
  return ((several ?? element.initial_conversations ?? single) as Choice | undefined) ?? null;
}

function keepsState(element: Element): boolean {
  return !["button", "overflow", "image", "plain_text", "mrkdwn"].includes(element.type);
}

function optionOf(element: Element, value: string): Json {
  const grouped = (element.option_groups as { options: Json[] }[] | undefined)?.flatMap((group) => group.options);
  const options = (element.options as Json[] | undefined) ?? grouped ?? [];
  const option = options.find((one) => one.value === value);
  if (option) return option;
  // An external select's options were the app's answer to a query; what was shown comes back as it was.
  if (element.type === "external_select") return { text: { type: "plain_text", text: value }, value };
  throw new SlackRefusal("no_such_option", { wanted: value, allowed: options.map((one) => one.value) });
}

function several(choice: Choice): string[] {
  if (choice === null || choice === "") return [];
  return Array.isArray(choice) ? [...choice] : [String(choice)];
}

function singular(type: string): string {
  return type.replace("multi_", "").replace("s_select", "");
}
