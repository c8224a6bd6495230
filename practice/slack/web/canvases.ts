import { limits } from "../limits.ts";
import type { Canvas } from "../objects.ts";
import { BOT_USER } from "../people.ts";
import { refuseWith, SlackRefusal } from "../refusal.ts";
import type { Store } from "../store.ts";
import { own } from "./conversations.ts";
import type { Methods } from "./method.ts";

/**
 * The canvas of a channel: made once, then edited as a whole. Other operations than `replace` without a section are refused here.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.canvases.create
 * @see https://docs.slack.dev/reference/methods/canvases.edit
 */
export const canvases: Methods = {
  "conversations.canvases.create": {
    tier: 2,
    needs: "canvases:write",
    run(platform, args) {
      const { store } = platform;
      const channel = own(platform, args, "channel_id");
      if (store.canvases.has(channel.id)) throw new SlackRefusal("channel_canvas_already_exists");
      const canvas: Canvas = {
        id: store.mintId("F"),
        channel_id: channel.id,
        user: BOT_USER,
        title: args.maybe("title") ?? "",
        markdown: markdownIn(args.all.document_content, "canvas_creation_failed"),
        updated: store.seconds(),
      };
      keep(store, canvas);
      return { canvas_id: canvas.id };
    },
  },
  "canvases.edit": {
    tier: 3,
    needs: "canvases:write",
    run({ store }, args) {
      const id = args.text("canvas_id");
      const canvas = [...store.canvases.values()].find((one) => one.id === id);
      if (!canvas) throw new SlackRefusal("canvas_not_found");
      const changes = listIn(args.all.changes);
      const [change] = changes;
      if (changes.length !== 1 || change?.operation !== "replace" || change.section_id !== undefined)
        throw refuseWith("invalid_arguments", ["[ERROR] practice replaces a canvas as a whole, one change a call"]);
      keep(store, {
        ...canvas,
        markdown: markdownIn(change.document_content, "canvas_editing_failed"),
        updated: store.seconds(),
      });
      return {};
    },
  },
};

function keep(store: Store, canvas: Canvas): void {
  store.canvases.set(canvas.channel_id, canvas);
  store.announce({ kind: "bookmarks", channel: canvas.channel_id });
}

interface Change {
  readonly operation?: unknown;
  readonly section_id?: unknown;
  readonly document_content?: unknown;
}

function listIn(given: unknown): readonly Change[] {
  return Array.isArray(given) ? given : [];
}

/** What Slack makes no canvas of is refused with `error`: another type, too long, a table that is too large. */
function markdownIn(given: unknown, error: string): string {
  const content = (given ?? {}) as { type?: unknown; markdown?: unknown };
  if (content.type !== "markdown" || typeof content.markdown !== "string") throw new SlackRefusal(error);
  const { markdown } = content;
  if (markdown.length > limits.canvasMarkdown) throw new SlackRefusal(error);
  for (const table of markdown.split(/\n(?!\s*\|)/)) {
    const rows = table.split("\n").filter((line) => line.trimStart().startsWith("|"));
    const cells = rows.length < 2 ? 0 : (rows.length - 1) * ((rows[1] ?? "").split("|").length - 2);
    if (cells > limits.canvasTableCells) throw new SlackRefusal(error);
  }
  return markdown;
}
