import type { Mode } from "../src/catalog/types.ts";
import type { Command } from "../src/command/command.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { gatherInputs, keptFrom } from "../src/command/parse/inputs.ts";
import { stop } from "../src/command/reply/say.ts";
import { following, movedRun } from "../src/command/resolve/moved-run.ts";
import { runbookGone } from "../templates/messages/run/command-refusals.ts";

export const failback: Command = {
  verb: "failback",
  aliases: ["fail-back", "run.failback"],
  summary: "Fail back after a failover: its runbook in the other direction, with its preflight and its approval.",
  usage: "/dr failback [<run>] [--unplanned] [--again <reason…>] [--incident <id>]",
  examples: ["/dr failback", "/dr failback run-7k2m9xqz --unplanned"],
  startsRuns: true,
  async handle(context, request) {
    const { state, run } = await movedRun(context, request);
    const { direction } = run.plan;
    const runbook = context.catalog.runbooks.find(({ id, system }) => id === run.runbook && system === run.plan.system);
    if (runbook === undefined || direction === undefined) return stop(runbookGone(run.runbook));
    const wanted: Mode = request.options.unplanned === true ? "unplanned" : "planned";
    const mode = runbook.modes.includes(wanted) ? wanted : (runbook.modes[0] ?? wanted);
    const kept = new Map([...keptFrom(run, runbook)].filter(([name]) => name !== "from" && name !== "to"));
    const words = [`from=${direction.to.id}`, `to=${direction.from.id}`];
    const { options: belongs, place } = await following(context, request, { state }, run.plan.kind === "drill");
    const incident = belongs.incident === undefined ? "" : ` --incident ${state.id}`;
    const head = `runbook ${runbook.system}/${runbook.id} --${mode}${incident}`;
    const gathered = gatherInputs(context, { ...request, words }, runbook, { kept, head });
    if (gathered.kind === "reply") return gathered.reply;
    const { again } = request.options;
    const options = { ...belongs, ...(again !== undefined && { again }) };
    return startRun(context, { ...request, words, options, place }, runbook, {
      mode,
      inputs: gathered.values,
      failsBack: run.id,
    });
  },
};
