import type { SlashCommand } from "@slack/bolt";
import type { Interaction, ReadLine } from "./delivery.ts";

export const COMMAND = "/dr";

/** `/dr …`: slash commands do not exist in threads, so there is none. */
export function takeCommand(body: SlashCommand, readLine: ReadLine): Interaction {
  return {
    key: `slack:command:${body.trigger_id}`,
    kind: "slack.command",
    delivery: {
      user: body.user_id,
      channel: body.channel_id,
      thread: null,
      ...readLine(body.text ?? ""),
      form: null,
      carries: null,
      responseUrl: body.response_url,
      about: null,
    },
    live: { trigger: body.trigger_id, view: null },
  };
}
