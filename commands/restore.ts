import type { Command } from "../src/command/command.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { START_OPTIONS } from "../src/command/parse/start-options.ts";
import { runbookFor } from "../src/command/resolve/runbook.ts";

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
