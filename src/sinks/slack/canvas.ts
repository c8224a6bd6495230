import type { WebClient } from "@slack/web-api";
import type { Item } from "../../projection/outbox/messages.ts";
import { callFailureOf } from "./call-failure.ts";
import { canvasMarkdown } from "./canvas-markdown.ts";
import type { Delivering } from "./deliver.ts";

/** A document in its channel's canvas, as the outbox keeps it. */
export interface DesiredCanvas {
  readonly canvas: {
    readonly title: string;
    /** GitHub's Markdown, with nothing beside it. */
    readonly markdown: string;
    /** Keys of earlier drafts: where one of them is in a canvas of ours, that canvas is edited. */
    readonly before: readonly string[];
  };
}

/** What a draft is called outside that is in no canvas: people have it as a file. */
export const NO_CANVAS = "no-canvas";

/** Slack makes none here: the plan, a setting, or an app that was installed before it asked for the scope. @see https://docs.slack.dev/reference/methods/conversations.canvases.create */
const NEVER = new Set([
  "team_tier_cannot_create_channel_canvases",
  "free_teams_cannot_edit_standalone_canvases",
  "canvas_disabled_user_team",
  "canvas_disabled_file_team",
  "restricted_action",
  "missing_scope",
  "not_allowed_token_type",
  "method_not_supported_for_channel_type",
  "unknown_method",
]);
/** Slack doesn't say whose a canvas is: it is gone, or the app was installed before it asked for the scope. */
const UNTOLD = new Set(["file_not_found", "file_deleted", "missing_scope", "access_denied"]);
const EXISTS = new Set(["channel_canvas_already_exists", "free_team_canvas_tab_already_exists"]);

export function isCanvas({ desired }: Pick<Item, "desired">): boolean {
  return typeof (desired as Partial<DesiredCanvas>).canvas === "object";
}

/**
 * Puts a draft into the canvas of its channel. A channel has one canvas, so a draft is never there twice: a newer one takes the place of
 * ours, which Slack keeps among its versions; a canvas that people made is left alone. Rejects with what Slack refuses otherwise.
 */
export async function bringCanvas(deps: Delivering, item: Item, channel: string): Promise<void> {
  const { outbox, client, log } = deps;
  const isInDoubt = item.sendingSince !== null;
  if (!isInDoubt && !(await outbox.sending(item, deps.owner))) return;
  try {
    const ours = await canvasOf(deps, item);
    const canvas =
      (ours !== null && (await replaced(client, item, ours))) || (await made(deps, item, channel, isInDoubt));
    await outbox.delivered(item.id, canvas, item.desiredHash);
  } catch (error) {
    const failure = callFailureOf(error);
    if (failure.kind !== "refused" || !NEVER.has(failure.error)) throw error;
    log.info({ event: "slack.no_canvas", channel, error: failure.error }, "slack makes no canvas; the draft is a file");
    await outbox.delivered(item.id, NO_CANVAS, item.desiredHash);
  }
}

/** The canvas the newest earlier draft is in, or null. */
async function canvasOf({ outbox }: Delivering, item: Item): Promise<string | null> {
  const { before } = (item.desired as DesiredCanvas).canvas;
  const shown = await outbox.deliveredAs(item.stream, before);
  const [newest = null] = before.toReversed().flatMap((key) => {
    const canvas = shown.get(key);
    return canvas === undefined || canvas === NO_CANVAS ? [] : [canvas];
  });
  return newest;
}

async function made(deps: Delivering, item: Item, channel: string, isInDoubt: boolean): Promise<string> {
  const { client, log } = deps;
  try {
    const { title } = (item.desired as DesiredCanvas).canvas;
    const answer = await client.conversations.canvases.create({
      channel_id: channel,
      title,
      document_content: contentOf(item),
    });
    if (!answer.canvas_id) throw new Error("Slack made a canvas and gave it no id.");
    return answer.canvas_id;
  } catch (error) {
    const failure = callFailureOf(error);
    if (failure.kind !== "refused" || !EXISTS.has(failure.error)) throw error;
    const there = await channelCanvas(client, channel);
    // Made by Slack with nothing in it, or by a call of ours whose answer was lost; anything else is someone's work.
    const isOurs = there !== null && (there.isEmpty || (isInDoubt && (await isMadeBy(deps, there.id))));
    if (isOurs && (await replaced(client, item, there.id))) return there.id;
    log.info({ event: "slack.canvas_taken", channel }, "the channel has a canvas of its own; the draft is a file");
    return NO_CANVAS;
  }
}

/** Whether the bot made it. Where Slack does not say who did, no one knows, so it is left alone. @see https://docs.slack.dev/reference/methods/files.info */
async function isMadeBy({ client, identity }: Delivering, canvas: string): Promise<boolean> {
  try {
    const { file } = await client.files.info({ file: canvas });
    return file?.user === identity().botUser;
  } catch (error) {
    const failure = callFailureOf(error);
    if (failure.kind === "refused" && UNTOLD.has(failure.error)) return false;
    throw error;
  }
}

/** Null: the canvas is gone. Without a section, all of it is replaced. @see https://docs.slack.dev/reference/methods/canvases.edit */
async function replaced(client: WebClient, item: Item, canvas: string): Promise<string | null> {
  try {
    await client.canvases.edit({
      canvas_id: canvas,
      changes: [{ operation: "replace", document_content: contentOf(item) }],
    });
    return canvas;
  } catch (error) {
    const failure = callFailureOf(error);
    if (failure.kind === "refused" && failure.error === "canvas_not_found") return null;
    throw error;
  }
}

function contentOf({ desired }: Item): { readonly type: "markdown"; readonly markdown: string } {
  return { type: "markdown", markdown: canvasMarkdown((desired as DesiredCanvas).canvas.markdown) };
}

/** The channel's own canvas. Slack's answers have it; the types of its client do not. */
async function channelCanvas(client: WebClient, channel: string) {
  const answer = await client.conversations.info({ channel });
  const properties = answer.channel?.properties as
    | { readonly canvas?: { readonly file_id?: string; readonly is_empty?: boolean } }
    | undefined;
  const { file_id: id, is_empty: isEmpty = false } = properties?.canvas ?? {};
  return id === undefined ? null : { id, isEmpty };
}
