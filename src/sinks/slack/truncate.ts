import type { Block, Form, Message } from "../../../templates/messages/kit/message.ts";
import { LifeboatError } from "../../lib/errors.ts";
import { trimmed } from "../../lib/trim.ts";
import { limits } from "./limits.ts";

/**
 * The last thing that happens to words before they leave: whatever was drawn becomes something Slack takes. Words are cut
 * where they are too long; a button whose key would have to be cut is left out, because a cut key is another key.
 * Nothing that leaves can page a channel: of Slack's `<!…>` only dates pass.
 */
export function truncateMessage(
  message: Message,
  mostText: number = limits.messageText,
): { readonly text: string; readonly blocks: readonly Block[] } {
  const text = truncateText(message.text, mostText) || "(nothing to say)";
  return { text, blocks: withinBudget(truncateBlocks(message.blocks, limits.messageBlocks, "message")) };
}

export interface ModalView {
  readonly type: "modal";
  readonly callback_id: string;
  readonly private_metadata: string;
  readonly title: PlainText;
  readonly close: PlainText;
  readonly submit?: PlainText;
  readonly blocks: readonly Block[];
}

/** `carried` is what comes back with the form; too long to be carried is a mistake of ours and is refused. */
export function truncateForm(form: Form, carried: string): ModalView {
  if (carried.length > limits.privateMetadata)
    throw new LifeboatError({
      code: "form-carries",
      what: `The form ${form.callback} carries more than Slack brings back`,
    });
  const blocks = withinView(truncateBlocks(form.blocks, limits.viewBlocks, "view"));
  const asks = blocks.some((block) => block.type === "input");
  return {
    type: "modal",
    callback_id: form.callback,
    private_metadata: carried,
    title: plainText(form.title, limits.modalTitle) ?? plainOf("Lifeboat"),
    close: plainOf("Cancel"),
    ...((asks || form.submit !== "") && { submit: plainText(form.submit, limits.modalTitle) ?? plainOf("Send") }),
    blocks,
  };
}

export function truncateHome(blocks: readonly Block[]): readonly Block[] {
  return withinView(truncateBlocks(blocks, limits.viewBlocks, "view"));
}

/** A name Slack takes for a channel: `a-z 0-9 - _`, at most 80. */
export function channelName(wanted: string, suffix = ""): string {
  const name = trimmed(
    wanted
      .normalize("NFKD")
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, "-"),
    "-_",
  );
  return `${(name || "incident").slice(0, limits.channelName - suffix.length)}${suffix}`;
}

export function topicText(topic: string): string {
  return truncateText(topic, limits.topic);
}

/** mrkdwn of at most `length` characters, disarmed, cut where nothing is cut in half, with `…` where something is missing. */
export function truncateText(mrkdwn: string, length: number): string {
  const safe = disarm(mrkdwn);
  if (safe.length <= length) return safe;
  const kept = wholeUntil(safe, length - FENCE.length - 1);
  const open = (kept.split("```").length - 1) % 2 === 1;
  return `${kept}…${open ? FENCE : ""}`;
}

/** Of everything Slack reads as `<!…>`, only `<!date^…>` stays. */
export function disarm(mrkdwn: string): string {
  if (!mrkdwn.includes("<!")) return mrkdwn;
  return mrkdwn.replace(/<!(?!date\^)([^<>|]*)(\|[^<>]*)?>?/g, (_, name: string) => `@\u2060${name.split("^", 1)[0]}`);
}

type PlainText = { readonly type: "plain_text"; readonly text: string; readonly emoji: boolean };
type Json = Readonly<Record<string, unknown>>;
type Surface = "message" | "view";

const FENCE = "\n```";
const OMITTED = "… More stands in the timeline than fits here.";

function truncateBlocks(blocks: readonly Block[], most: number, surface: Surface): Block[] {
  const ids = new Set<string>();
  const truncated = blocks.map((block) => truncateBlock(block, surface)).filter((block) => block !== null);
  for (const block of truncated) {
    const id = block.block_id;
    if (typeof id !== "string") continue;
    if (ids.has(id)) delete (block as { block_id?: unknown }).block_id;
    ids.add(id);
  }
  return truncated.length <= most ? truncated : [...keepButtons(truncated, most - 1), omitted()];
}

/** The first blocks, but never without the last row of buttons: a prompt no one can answer is no prompt. */
function keepButtons(blocks: readonly Block[], most: number): Block[] {
  const last = blocks.findLast((block) => block.type === "actions");
  const first = blocks.slice(0, most);
  return last === undefined || first.includes(last) ? first : [...first.slice(0, most - 1), last];
}

function withinBudget(blocks: readonly Block[]): Block[] {
  const room = limits.messageBlocksText - OMITTED.length;
  const buttons = blocks.filter((block) => block.type === "actions");
  let left = room - buttons.reduce((sum, block) => sum + lengthOf(block), 0);
  let full = false;
  const kept = blocks.filter((block) => {
    if (block.type === "actions") return true;
    left -= lengthOf(block);
    full ||= left < 0;
    return !full;
  });
  return kept.length === blocks.length ? kept : [...kept.slice(0, limits.messageBlocks - 1), omitted()];
}

/** As many of the first blocks as a view may weigh, with room for what surrounds them. */
function withinView(blocks: readonly Block[]): readonly Block[] {
  let left = limits.viewBytes - limits.privateMetadata - 2000;
  const kept = blocks.filter((block) => {
    left -= Buffer.byteLength(JSON.stringify(block)) + 1;
    return left >= 0;
  });
  return kept.length === blocks.length ? kept : [...kept.slice(0, limits.viewBlocks - 1), omitted()];
}

function omitted(): Block {
  return { type: "context", elements: [{ type: "mrkdwn", text: OMITTED }] };
}

function truncateBlock(block: Block, surface: Surface): Block | null {
  const made = SHAPES[block.type]?.(block, surface);
  if (!made) return null;
  const id = block.block_id;
  return { type: block.type, ...made, ...(isShort(id, limits.id) && { block_id: id }) };
}

/** What is left of a block of each type Lifeboat uses; null: nothing worth showing. */
const SHAPES: Readonly<Record<string, (block: Json, surface: Surface) => Json | null>> = {
  divider: () => ({}),
  header: (block) => wrap("text", plainFrom(block.text, limits.headerText)),
  section: (block) => {
    const text = textFrom(block.text, limits.sectionText);
    const fields = listFrom(block.fields, limits.fields, (field) => textFrom(field, limits.fieldText));
    const accessory = element(block.accessory);
    if (text === null && fields.length === 0) return null;
    return { ...(text && { text }), ...(fields.length > 0 && { fields }), ...(accessory && { accessory }) };
  },
  context: (block) =>
    wrapList(
      listFrom(block.elements, limits.contextElements, (one) => image(one) ?? textFrom(one, limits.sectionText)),
    ),
  actions: (block) => wrapList(distinct(listFrom(block.elements, limits.actionsElements, pressable))),
  image: (block) => {
    const made = image(block);
    const title = plainFrom(block.title, limits.imageText);
    return made && { ...made, ...(title && { title }) };
  },
  markdown: (block, surface) =>
    surface === "message" && typeof block.text === "string" && block.text !== ""
      ? { text: truncateText(block.text, limits.messageBlocksText) }
      : null,
  input: (block, surface) => {
    const label = plainFrom(block.label, limits.inputLabel);
    const asked = input(block.element);
    const hint = plainFrom(block.hint, limits.inputHint);
    if (surface === "message" || label === null || asked === null) return null;
    const dispatches = block.dispatch_action === true && { dispatch_action: true };
    return { label, element: asked, optional: block.optional === true, ...(hint && { hint }), ...dispatches };
  },
};

function pressable(value: unknown): Json | null {
  return isJson(value) && value.type === "image" ? null : element(value);
}

function element(value: unknown): Json | null {
  if (!isJson(value)) return null;
  switch (value.type) {
    case "button":
      return button(value);
    case "static_select":
    case "multi_static_select":
    case "overflow":
    case "radio_buttons":
    case "checkboxes":
      return chooser(value);
    case "users_select":
    case "conversations_select":
    case "channels_select":
      return {
        type: value.type,
        ...named(value),
        ...placeholder(value),
        ...kept(value, ID, `initial_${String(value.type).replace(/s_select$/, "")}`),
      };
    case "image":
      return image(value);
    default:
      return null;
  }
}

function button(value: Json): Json | null {
  const text = plainFrom(value.text, limits.buttonText);
  const fits = (key: unknown, limit: number) => key === undefined || isShort(key, limit);
  const kept = fits(value.value, limits.buttonValue) && fits(value.url, limits.url) && fits(value.action_id, limits.id);
  if (text === null || !kept || value.url === "") return null;
  const aloud = value.accessibility_label;
  const confirm = confirmation(value.confirm);
  return {
    type: "button",
    text,
    ...named(value),
    ...(typeof value.value === "string" && value.value !== "" && { value: value.value }),
    ...(typeof value.url === "string" && { url: value.url }),
    ...((value.style === "primary" || value.style === "danger") && { style: value.style }),
    ...(typeof aloud === "string" && aloud !== "" && { accessibility_label: cutAt(aloud, limits.accessibilityLabel) }),
    ...(confirm && { confirm }),
  };
}

function confirmation(value: unknown): Json | null {
  if (!isJson(value)) return null;
  return {
    title: plainFrom(value.title, limits.confirmTitle) ?? plainOf("Sure?"),
    text: textFrom(value.text, limits.confirmText) ?? plainOf("Please confirm."),
    confirm: plainFrom(value.confirm, limits.confirmButton) ?? plainOf("Yes"),
    deny: plainFrom(value.deny, limits.confirmButton) ?? plainOf("No"),
  };
}

function input(value: unknown): Json | null {
  if (!isJson(value)) return null;
  switch (value.type) {
    case "plain_text_input":
    case "email_text_input":
    case "url_text_input": {
      const initial = value.initial_value;
      return {
        type: value.type,
        ...named(value),
        ...placeholder(value),
        ...(typeof initial === "string" && initial !== "" && { initial_value: cutAt(initial, limits.inputText) }),
        ...(value.type === "plain_text_input" && lengths(value)),
      };
    }
    case "number_input":
      return {
        type: value.type,
        is_decimal_allowed: value.is_decimal_allowed === true,
        ...named(value),
        ...placeholder(value),
        ...kept(value, NUMBER, "initial_value", "min_value", "max_value"),
      };
    case "datepicker":
      return { type: value.type, ...named(value), ...placeholder(value), ...kept(value, DATE, "initial_date") };
    case "timepicker":
      return { type: value.type, ...named(value), ...placeholder(value), ...kept(value, TIME, "initial_time") };
    case "datetimepicker": {
      const at = value.initial_date_time;
      // Ten digits, as Slack wants them.
      const fits = typeof at === "number" && Number.isInteger(at) && at >= 1_000_000_000 && at <= 9_999_999_999;
      return { type: value.type, ...named(value), ...(fits && { initial_date_time: at }) };
    }
    case "static_select":
    case "multi_static_select":
    case "radio_buttons":
    case "checkboxes":
    case "users_select":
    case "conversations_select":
    case "channels_select":
      return element(value);
    default:
      return null;
  }
}

const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{2}:\d{2}$/;
const ID = /^[A-Z0-9]{2,30}$/;

/** What looks as Slack wants it; what doesn't is left out. */
function kept(value: Json, looks: RegExp, ...keys: readonly string[]): Json {
  return Object.fromEntries(
    keys.flatMap((key) => (typeof value[key] === "string" && looks.test(value[key]) ? [[key, value[key]]] : [])),
  );
}

function lengths(value: Json): Json {
  const max =
    typeof value.max_length === "number" ? Math.min(Math.max(1, value.max_length), limits.inputText) : undefined;
  const tells = isJson(value.dispatch_action_config) && {
    dispatch_action_config: { trigger_actions_on: ["on_enter_pressed"] },
  };
  return { multiline: value.multiline === true, ...(max !== undefined && { max_length: max }), ...tells };
}

function chooser(value: Json): Json | null {
  const most =
    { static_select: limits.options, multi_static_select: limits.options, overflow: limits.overflowOptions }[
      value.type as string
    ] ?? limits.choices;
  const takesSeveral = value.type === "checkboxes" || value.type === "multi_static_select";
  const options = listFrom(value.options, most, option);
  if (options.length === 0) return null;
  const same = (wanted: unknown) => isJson(wanted) && options.find((one) => one.value === wanted.value);
  const initial = same(value.initial_option);
  const several = listFrom(value.initial_options, most, (one) => same(one) || null);
  return {
    type: value.type,
    options,
    ...named(value),
    ...(value.type === "static_select" && placeholder(value)),
    ...(initial && !takesSeveral && value.type !== "overflow" && { initial_option: initial }),
    ...(takesSeveral && several.length > 0 && { initial_options: several }),
  };
}

function option(value: unknown): Json | null {
  if (!isJson(value) || !isShort(value.value, limits.optionValue) || value.value === "") return null;
  const text = plainFrom(value.text, limits.optionText);
  return text && { text, value: value.value };
}

function image(value: unknown): Json | null {
  if (!isJson(value) || value.type !== "image" || !isShort(value.image_url, limits.url) || value.image_url === "")
    return null;
  const alt = typeof value.alt_text === "string" && value.alt_text !== "" ? value.alt_text : "A picture";
  return { type: "image", image_url: value.image_url, alt_text: cutAt(alt, limits.imageText) };
}

function named(value: Json): Json {
  return isShort(value.action_id, limits.id) && value.action_id !== "" ? { action_id: value.action_id } : {};
}

function placeholder(value: Json): Json {
  const made = plainFrom(value.placeholder, limits.placeholder);
  return made ? { placeholder: made } : {};
}

/** Slack refuses a block in which two elements share an `action_id`; the first one stays. */
function distinct(elements: readonly Json[]): Json[] {
  const ids = new Set<unknown>();
  return elements.filter(({ action_id }) => action_id === undefined || (!ids.has(action_id) && ids.add(action_id)));
}

function textFrom(value: unknown, length: number): Json | null {
  if (!isJson(value) || typeof value.text !== "string") return null;
  if (value.type === "plain_text") return plainText(value.text, length, value.emoji !== false);
  const text = truncateText(value.text, length);
  return text === "" ? null : { type: "mrkdwn", text, ...(value.verbatim === true && { verbatim: true }) };
}

function plainFrom(value: unknown, length: number): PlainText | null {
  return isJson(value) && typeof value.text === "string" ? plainText(value.text, length, value.emoji !== false) : null;
}

function plainText(text: string, length: number, emoji = false): PlainText | null {
  return text === "" ? null : { type: "plain_text", text: cutAt(disarm(text), length), emoji };
}

function plainOf(text: string): PlainText {
  return { type: "plain_text", text, emoji: false };
}

function cutAt(text: string, length: number): string {
  return text.length <= length ? text : `${noHalfLetter(text.slice(0, length - 1))}…`;
}

/** The first characters, without half a letter, half an entity (`&am`) or half a link (`<https://…`). */
function wholeUntil(mrkdwn: string, length: number): string {
  return noHalfLetter(mrkdwn.slice(0, Math.max(0, length)))
    .replace(/&[a-z]{0,3}$/, "")
    .replace(/<[^<>]*$/, "");
}

function noHalfLetter(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, "");
}

function listFrom<T>(value: unknown, most: number, make: (one: unknown) => T | null): T[] {
  if (!Array.isArray(value)) return [];
  return value
    .map(make)
    .filter((one): one is T & {} => one !== null)
    .slice(0, most);
}

function wrap(key: string, value: unknown): Json | null {
  return value ? { [key]: value } : null;
}

function wrapList(elements: readonly unknown[]): Json | null {
  return elements.length > 0 ? { elements } : null;
}

function isShort(value: unknown, length: number): value is string {
  return typeof value === "string" && value.length <= length;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Characters of everything readable in a block. */
function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + lengthOf(one), 0);
  if (!isJson(value)) return 0;
  const own = typeof value.text === "string" ? value.text.length : 0;
  return own + lengthOf(Object.values(value).filter((one) => typeof one === "object"));
}
