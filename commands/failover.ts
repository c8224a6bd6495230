import type { Command } from "./command.ts";
import { START_OPTIONS, startRun } from "./start.ts";
import { runbookFor } from "./targets.ts";

export const failover: Command = {
  verb: "failover",
  aliases: ["fail-over", "switchover"],
  summary: "Move a component or a region to its standby: look first, ask for approval, then go step by step.",
  usage: `/dr failover <component> ${START_OPTIONS}`,
  examples: ["/dr failover database", "/dr failover database --dry-run", "/dr failover database --unplanned"],
  where: "anywhere",
  async handle(house, request) {
    return startRun(house, request, await runbookFor(house, request, "failover"));
  },
};
