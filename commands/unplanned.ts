import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { gatherInputs, keptFrom } from "../src/command/parse/inputs.ts";
import { no, stop } from "../src/command/reply/say.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { isLive } from "../src/incident/status.ts";
import { UNPLANNED_INSTEAD } from "../templates/messages/run/answers.ts";
import { modeNotOffered, runbookGone, runLive } from "../templates/messages/run/command-refusals.ts";
import { undoStep } from "./undo.ts";

export const unplanned: Command = {
  verb: "unplanned",
  aliases: ["run.unplanned"],
  summary: "Run the unplanned form of a planned run whose primary turned out to be dead.",
  usage: "/dr unplanned [<run>] [--incident <id>]",
  examples: ["/dr unplanned run-7k2m9xqz"],
  startsRuns: true,
  async handle(context, request) {
    const { state, run } = await findRun(context, request);
    const { undoes } = run.plan;
    const undone = undoes && state.runs.get(undoes.run);
    if (undoes && undone) {
      if (isLive(run)) return stop(runLive(run.plan.title));
      return undoStep(context, request, state, undone, undoes.step, true);
    }
    const runbook = context.catalog.runbooks.find(({ id, system }) => id === run.runbook && system === run.plan.system);
    if (runbook === undefined) return stop(runbookGone(run.runbook));
    if (!runbook.modes.includes("unplanned")) return stop(modeNotOffered(runbook.title, "unplanned", runbook.modes));
    const again = `runbook ${runbook.system}/${runbook.id} --unplanned --incident ${state.id}${run.dryRun ? " --dry-run" : ""}`;
    const gathered = gatherInputs(context, request, runbook, { kept: keptFrom(run, runbook), head: again });
    if (gathered.kind === "reply") return gathered.reply;
    if (isLive(run)) {
      const reason = UNPLANNED_INSTEAD;
      const ended = { ...request, key: `${request.key}-abort` };
      const acted = await act(context, ended, state.id, { type: "abort", run: run.id, reason });
      if (acted.kind === "refused") return no(acted.problem);
    }
    const options = {
      ...{ incident: state.id, ...(run.dryRun ? { "dry-run": true as const } : {}) },
      ...(run.again && { again: run.again.reason }),
    };
    return startRun(context, { ...request, options }, runbook, { mode: "unplanned", inputs: gathered.values });
  },
};
