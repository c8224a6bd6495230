import type { Mode } from "../src/catalog/types.ts";
import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { assignedIn } from "../src/command/parse/assigned.ts";
import { gatherInputs, keptFrom } from "../src/command/parse/inputs.ts";
import { no, stop } from "../src/command/reply/say.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { isLive } from "../src/incident/status.ts";
import { replanSays, requestedAgainFor } from "../templates/messages/run/answers.ts";
import { modeNotOffered, runbookGone } from "../templates/messages/run/command-refusals.ts";
import { replanForm } from "../templates/messages/run/forms.ts";

export const replan: Command = {
  verb: "replan",
  aliases: ["run.replan"],
  summary: "Change the plan: abort the run and request its runbook again with other inputs.",
  usage: "/dr replan [<run>] [<input>=<value> …] [--planned] [--unplanned] <what is different…> [--incident <id>]",
  examples: ["/dr replan --unplanned The primary does not come back", "/dr replan to=02:11 It was damaged earlier"],
  startsRuns: true,
  async handle(context, request) {
    const { state, run, words: behind } = await findRun(context, request);
    const runbook = context.catalog.runbooks.find(({ id, system }) => id === run.runbook && system === run.plan.system);
    if (runbook === undefined) return stop(runbookGone(run.runbook));
    const names = (runbook.inputs ?? []).map(({ name }) => name);
    const { words } = assignedIn(behind, names);
    const kept = keptFrom(run, runbook);
    const reason = (request.form?.reason ?? words.join(" ")).trim();
    if (reason === "" && request.form === null && request.canAskForm) {
      return { kind: "form", form: replanForm(run.id, replanSays(run), runbook, run.mode, kept) };
    }
    const asked =
      request.form?.mode ?? (request.options.unplanned ? "unplanned" : request.options.planned ? "planned" : run.mode);
    const mode = runbook.modes.find((one): one is Mode => one === asked);
    if (mode === undefined) return stop(modeNotOffered(runbook.title, String(asked), runbook.modes));
    const head = `replan ${run.id}${reason === "" ? "" : ` ${reason}`}`;
    const gathered = gatherInputs(context, { ...request, words: behind, options: { [mode]: true } }, runbook, {
      kept,
      head,
      names,
    });
    if (gathered.kind === "reply") return gathered.reply;
    if (isLive(run)) {
      const ended = { ...request, key: `${request.key}-abort` };
      const why = requestedAgainFor(reason);
      const acted = await act(context, ended, state.id, { type: "abort", run: run.id, reason: why });
      if (acted.kind === "refused") return no(acted.problem);
    }
    const options = {
      ...{ incident: state.id, ...(run.dryRun ? { "dry-run": true as const } : {}) },
      ...(run.again && { again: run.again.reason }),
    };
    return startRun(context, { ...request, options }, runbook, { mode, inputs: gathered.values });
  },
};
