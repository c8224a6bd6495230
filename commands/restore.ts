import type { Command } from "./command.ts";
import { START_OPTIONS, startRun } from "./start.ts";
import { runbookFor } from "./targets.ts";

export const restore: Command = {
  verb: "restore",
  aliases: [],
  summary: "Restore a component from a backup, or rebuild its standby.",
  usage: `/dr restore <component> ${START_OPTIONS}`,
  examples: ["/dr restore database --dry-run"],
  startsRuns: true,
  async handle(context, request) {
    return startRun(context, request, await runbookFor(context, request, "restore"));
  },
};
