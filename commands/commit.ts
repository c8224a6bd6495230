import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { movedRun, movesSince } from "./probation-run.ts";
import { standbyAfter } from "./reprotect.ts";
import { no, runName, say } from "./say.ts";

export const commit: Command = {
  verb: "commit",
  aliases: ["run.commit"],
  summary: "Commit to the new side after a failover. Before its probation is over, or unhealthy, it needs a reason.",
  usage: "/dr commit [<run>] [<why…>] [--incident <id>]",
  examples: ["/dr commit", "/dr commit run-7k2m9xqz Frankfurt stays down for days"],
  async handle(context, request) {
    const { state, run, words } = await movedRun(context, request);
    const reason = words.join(" ").trim() || null;
    const moved = await movesSince(context, run);
    const acted = await act(context, request, state.id, { type: "commit", run: run.id, reason, moved });
    if (acted.kind === "refused") return no(acted.problem);
    const { says, buttons } = standbyAfter(run);
    return say(
      [`${runName(run)} is committed: it stays in ${run.plan.direction?.to.title ?? "the new site"}.`, ...says],
      ...buttons,
    );
  },
};
