import { limits, sizes } from "../limits.ts";
import type { Block } from "../objects.ts";
import { refuseWith, SlackRefusal } from "../refusal.ts";
import { image, inActions, inInput, inSection } from "./elements.ts";
import { anything, fault, flag, isObject, list, object, type Rule, type Shape, string, text, typed } from "./rules.ts";

export type Surface = "message" | "modal" | "home";

const id = { block_id: string(sizes.id) };
const inContext: Rule = (value, at, faults) => {
  if (isObject(value) && value.type === "image") image(value, at, faults);
  else text(sizes.sectionText, "any")(value, at, faults);
};

const everywhere: Record<string, Rule> = {
  section: sectionRule({
    may: {
      ...id,
      text: text(sizes.sectionText, "any"),
      fields: list(text(sizes.fieldText, "any"), sizes.fields),
      accessory: inSection,
      expand: flag,
    },
  }),
  header: object({ need: { text: text(sizes.header, "plain") }, may: id }),
  divider: object({ may: id }),
  context: object({ need: { elements: list(inContext, sizes.contextElements) }, may: id }),
  actions: object({ need: { elements: list(inActions, sizes.actionsElements) }, may: id }),
  input: object({
    need: { label: text(sizes.inputLabel, "plain"), element: inInput },
    may: { ...id, hint: text(sizes.inputHint, "plain"), optional: flag, dispatch_action: flag },
  }),
  image: object({
    need: { alt_text: string(sizes.imageText) },
    may: { ...id, title: text(sizes.imageText, "plain"), image_url: string(sizes.url), slack_file: anything },
  }),
  rich_text: object({ need: { elements: list(anything, 1000, 0) }, may: id }),
};

/** Known to Slack, let through unchecked, and shown by the page as what it can't draw. */
const undrawn = ["alert", "card", "carousel", "context_actions", "data_table", "file", "plan", "task_card", "video"];

const inMessages: Record<string, Rule> = {
  ...everywhere,
  markdown: object({ need: { text: string(limits.markdownText) }, may: id }),
  table: object({
    need: { rows: list(list(anything, sizes.tableCells), sizes.tableRows) },
    may: { ...id, column_settings: anything },
  }),
  ...Object.fromEntries([...undrawn, "container"].map((type) => [type, anything])),
};

const shapes: Record<Surface, Rule> = {
  message: typed(inMessages),
  modal: typed(everywhere),
  home: typed(everywhere),
};

/** What Slack would say is wrong with `blocks` on this surface; nothing when they are well. */
export function faultsOf(blocks: unknown, surface: Surface, at = "/blocks"): string[] {
  const faults: string[] = [];
  list(shapes[surface], surface === "message" ? limits.messageBlocks : limits.viewBlocks, 0)(blocks, at, faults);
  if (faults.length > 0) return faults;
  const checked = blocks as Block[];
  sameTwice(checked, at, faults);
  for (const type of ["table"])
    if (checked.filter((block) => block.type === type).length > 1)
      faults.push(fault(`only one ${type} block is allowed`, at));
  return faults;
}

/** Refuses blocks Slack would refuse. */
export function checkBlocks(blocks: unknown, surface: Surface): Block[] {
  const faults = faultsOf(blocks, surface);
  if (faults.length > 0) throw refuseWith("invalid_blocks", faults);
  const good = blocks as Block[];
  if (surface !== "message") return good;
  if (textIn(good) > limits.messageBlocksText) throw new SlackRefusal("msg_blocks_too_long");
  const markdown = good.filter((block) => block.type === "markdown").map((block) => String(block.text));
  if (markdown.join("").length > limits.markdownText) throw new SlackRefusal("msg_blocks_too_long");
  return good;
}

/** Refuses a view Slack would refuse. */
export function checkView(view: unknown, type: "modal" | "home"): asserts view is Block & { blocks: Block[] } {
  if (!isObject(view)) throw refuseWith("invalid_arguments", [fault("missing required field: view", "")]);
  if (JSON.stringify(view).length > limits.viewBytes) throw new SlackRefusal("view_too_large");
  const faults: string[] = [];
  if (view.type !== type) faults.push(fault(`unsupported type: ${String(view.type)}, allowed: ${type}`, "/view/type"));
  object(type === "modal" ? modal : home)(view, "/view", faults);
  faults.push(...faultsOf(view.blocks, type, "/view/blocks"));
  const hasInput = Array.isArray(view.blocks) && view.blocks.some((block) => block?.type === "input");
  if (type === "modal" && hasInput && !view.submit)
    faults.push(fault("missing required field: submit, required when there is an input block", "/view"));
  if (faults.length > 0) throw refuseWith("invalid_arguments", faults);
}

const common: Shape["may"] = {
  private_metadata: string(sizes.privateMetadata, 0),
  callback_id: string(sizes.id, 0),
  external_id: string(sizes.id, 0),
};
const home: Shape = { need: { blocks: anything }, may: common };
const modal: Shape = {
  need: { blocks: anything, title: text(sizes.modalTitle, "plain") },
  may: {
    ...common,
    submit: text(sizes.modalTitle, "plain"),
    close: text(sizes.modalTitle, "plain"),
    clear_on_close: flag,
    notify_on_close: flag,
    submit_disabled: flag,
  },
};

/** Blocks with the ids Slack adds where the app gave none. */
export function withIds(blocks: readonly Block[], mint: () => string): Block[] {
  const named = structuredClone(blocks) as Block[];
  for (const block of named) {
    block.block_id ??= mint();
    for (const element of elementsOf(block))
      if (element.type !== "image" && !isText(element)) element.action_id ??= mint();
  }
  return named;
}

/** The parts of a block a person can use. */
export function elementsOf(block: Block): Block[] {
  const nested = [block.elements, block.accessory, block.element].flat().filter(isObject);
  return block.type === "rich_text" ? [] : (nested as Block[]);
}

function isText(element: Block): boolean {
  return element.type === "plain_text" || element.type === "mrkdwn";
}

function sectionRule(shape: Shape): Rule {
  const rule = object(shape);
  return (value, at, faults) => {
    rule(value, at, faults);
    if (isObject(value) && value.text === undefined && value.fields === undefined)
      faults.push(fault("missing required field: text or fields", at));
  };
}

function sameTwice(blocks: readonly Block[], at: string, faults: string[]): void {
  const seen = new Set<string>();
  for (const [i, block] of blocks.entries()) {
    if (block.block_id && seen.has(block.block_id))
      faults.push(fault(`block_id \`${block.block_id}\` already exists`, `${at}/${i}`));
    if (block.block_id) seen.add(block.block_id);
    const actions = new Set<unknown>();
    for (const element of elementsOf(block)) {
      if (element.action_id && actions.has(element.action_id))
        faults.push(fault(`action_id \`${String(element.action_id)}\` already exists`, `${at}/${i}`));
      actions.add(element.action_id);
    }
  }
}

/** Characters of everything readable in the blocks. */
function textIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + textIn(one), 0);
  if (!isObject(value)) return 0;
  const own = typeof value.text === "string" ? value.text.length : 0;
  return own + textIn(Object.values(value).filter((one) => typeof one === "object"));
}
