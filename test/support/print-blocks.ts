import type { Block, Message } from "../../templates/messages/kit/message.ts";
import type { View } from "../../templates/messages/kit/view.ts";

export function printView(view: View): string {
  const { channel, messages, redrawAt } = view;
  const head = channel
    ? [
        `channel #${channel.name}`,
        `topic   ${channel.topic}`,
        `invite  ${channel.invite.join(" ")}`,
        `pinned  ${channel.pinned.join(" ")}`,
      ]
    : ["no channel"];
  const shown = messages.map(({ key, in: place, under, priority, broadcast, once, message }) => {
    const flags = [`priority ${priority}`, ...(broadcast ? ["also in the channel"] : []), ...(once ? ["once"] : [])];
    return `--- ${key} in ${nameOf(place)}${under ? ` under ${under}` : ""} (${flags.join(", ")})\n${printMessage(message)}`;
  });
  return `${[...head, `redraw  ${redrawAt?.toISOString() ?? "never"}`].join("\n")}\n\n${shown.join("\n\n")}\n`;
}

function nameOf(place: View["messages"][number]["in"]): string {
  if (typeof place !== "object") return place;
  return "person" in place ? `direct messages of ${place.person}` : `channel ${place.channel}`;
}

export function printMessage({ text, blocks }: Message): string {
  return [`text: ${text}`, ...blocks.map(printBlock)].join("\n");
}

export function printBlocks(blocks: readonly Block[]): string {
  return `${blocks.map(printBlock).join("\n")}\n`;
}

// biome-ignore lint/suspicious/noExplicitAny: Block Kit is plain JSON here, and a page prints whatever is in it.
type Json = any;

function printBlock(block: Json): string {
  switch (block.type) {
    case "header":
      return `# ${block.text.text}`;
    case "section":
      return indent(
        block.fields ? block.fields.map(({ text }: Json) => text.replace("\n", " ")).join("\n") : block.text.text,
      );
    case "context":
      return indent(block.elements.map(({ text }: Json) => text).join("\n"), "  · ");
    case "actions":
      return block.elements.map(printButton).join("\n");
    case "divider":
      return "  ----";
    case "input":
      return `  [${block.label.text}${block.optional ? ", optional" : ""}] ${block.element.type} as ${block.block_id}`;
    default:
      throw new Error(`A page can't show a ${block.type} block yet.`);
  }
}

function printButton({ text, action_id, value, style, accessibility_label, confirm }: Json): string {
  const looks = style ? ` ${style}` : "";
  const aloud = accessibility_label ? ` aloud "${accessibility_label}"` : "";
  const asks = confirm
    ? `\n      asks "${confirm.title.text}" / ${confirm.text.text} / [${confirm.confirm.text}] [${confirm.deny.text}]`
    : "";
  return `  [${text.text}]${looks} → ${action_id} ${value ?? ""}${aloud}${asks}`;
}

function indent(text: string, mark = "  "): string {
  return text
    .split("\n")
    .map((line) => `${mark}${line}`)
    .join("\n");
}
