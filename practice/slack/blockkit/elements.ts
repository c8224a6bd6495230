import { sizes } from "../limits.ts";
import {
  anything,
  flag,
  isObject,
  list,
  object,
  oneOf,
  type Rule,
  type Shape,
  string,
  text,
  typed,
  whole,
} from "./rules.ts";

const confirm = object({
  need: {
    title: text(sizes.confirmTitle, "plain"),
    text: text(sizes.confirmText, "any"),
    confirm: text(sizes.confirmButton, "plain"),
    deny: text(sizes.confirmButton, "plain"),
  },
  may: { style: oneOf("primary", "danger") },
});

function option(kind: "plain" | "any"): Rule {
  return object({
    need: { text: text(sizes.optionText, kind), value: string(sizes.optionValue) },
    may: { description: text(sizes.optionText, kind), url: string(sizes.url) },
  });
}

const group = object({
  need: { label: text(sizes.optionText, "plain"), options: list(option("plain"), sizes.options) },
});
const id = { action_id: string(sizes.id) };
const focus = { ...id, focus_on_load: flag };
const choice = { ...focus, confirm };
const picker = { ...choice, placeholder: text(sizes.placeholder, "plain") };
const several = { ...picker, max_selected_items: whole };
const dispatch = object({ may: { trigger_actions_on: anything } });
const typedText: Shape["may"] = {
  ...focus,
  placeholder: text(sizes.placeholder, "plain"),
  dispatch_action_config: dispatch,
};

/** Options or groups of them, exactly one of the two. */
function withOptions(shape: Shape): Rule {
  const rule = object(shape);
  return (value, at, faults) => {
    rule(value, at, faults);
    if (isObject(value) && (value.options === undefined) === (value.option_groups === undefined))
      faults.push(`[ERROR] must provide exactly one of options, option_groups [json-pointer:${at}]`);
  };
}

const options = { options: list(option("plain"), sizes.options), option_groups: list(group, sizes.optionGroups) };
const place = { default_to_current_conversation: flag, filter: anything, response_url_enabled: flag };

const shapes: Record<string, Rule> = {
  button: object({
    need: { text: text(sizes.buttonText, "plain") },
    may: {
      ...id,
      value: string(sizes.value),
      url: string(sizes.url),
      style: oneOf("primary", "danger"),
      confirm,
      accessibility_label: string(sizes.label),
    },
  }),
  overflow: object({ need: { options: list(option("plain"), sizes.overflowOptions) }, may: { ...id, confirm } }),
  static_select: withOptions({ may: { ...picker, ...options, initial_option: option("plain") } }),
  multi_static_select: withOptions({
    may: { ...several, ...options, initial_options: list(option("plain"), sizes.options) },
  }),
  external_select: object({ may: { ...picker, min_query_length: whole, initial_option: option("plain") } }),
  users_select: object({ may: { ...picker, initial_user: string(sizes.id) } }),
  multi_users_select: object({ may: { ...several, initial_users: list(string(sizes.id), 100) } }),
  channels_select: object({ may: { ...picker, initial_channel: string(sizes.id), response_url_enabled: flag } }),
  multi_channels_select: object({ may: { ...several, initial_channels: list(string(sizes.id), 100) } }),
  conversations_select: object({ may: { ...picker, ...place, initial_conversation: string(sizes.id) } }),
  multi_conversations_select: object({
    may: { ...several, ...place, initial_conversations: list(string(sizes.id), 100) },
  }),
  radio_buttons: object({
    need: { options: list(option("any"), sizes.choices) },
    may: { ...choice, initial_option: option("any") },
  }),
  checkboxes: object({
    need: { options: list(option("any"), sizes.choices) },
    may: { ...choice, initial_options: list(option("any"), sizes.choices) },
  }),
  plain_text_input: object({
    may: {
      ...typedText,
      initial_value: string(sizes.inputText, 0),
      multiline: flag,
      min_length: whole,
      max_length: whole,
    },
  }),
  email_text_input: object({ may: { ...typedText, initial_value: string(sizes.inputText, 0) } }),
  url_text_input: object({ may: { ...typedText, initial_value: string(sizes.inputText, 0) } }),
  number_input: object({
    need: { is_decimal_allowed: flag },
    may: { ...typedText, initial_value: anything, min_value: anything, max_value: anything },
  }),
  datepicker: object({ may: { ...picker, initial_date: string(10) } }),
  timepicker: object({ may: { ...picker, initial_time: string(5), timezone: string(sizes.id) } }),
  datetimepicker: object({ may: { ...choice, initial_date_time: whole } }),
  image: object({
    need: { alt_text: string(sizes.imageText) },
    may: { image_url: string(sizes.url), slack_file: anything },
  }),
};

const buttons = ["button", "overflow"];
const selects = Object.keys(shapes).filter((type) => type.endsWith("_select"));
const pickers = ["datepicker", "timepicker", "datetimepicker", "radio_buttons", "checkboxes"];
const texts = ["plain_text_input", "email_text_input", "url_text_input", "number_input"];

export const inActions = only([...buttons, ...selects, ...pickers]);
export const inSection = only([...buttons, ...selects, ...pickers, "image"]);
export const inInput = only([...selects, ...pickers, ...texts]);
export const image = shapes.image as Rule;

function only(types: readonly string[]): Rule {
  return typed(Object.fromEntries(types.map((type) => [type, shapes[type] as Rule])));
}
