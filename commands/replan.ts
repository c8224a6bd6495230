import type { Mode } from "../src/catalog/types.ts";
import { isLive } from "../src/incident/status.ts";
import { replanForm } from "../templates/messages/forms.ts";
import { act } from "./act.ts";
import type { Command } from "./command.ts";
import { findRun } from "./runs.ts";
import { no, stop } from "./say.ts";
import { startRun } from "./start.ts";

export const replan: Command = {
  verb: "replan",
  aliases: ["run.replan"],
  summary:
    "Ask again with a changed plan: the run is aborted, and its runbook as it is now is planned and asked for anew.",
  usage: "/dr replan [<run>] [--planned] [--unplanned] <what is different…> [--incident <id>]",
  examples: ["/dr replan --unplanned The primary does not come back"],
  where: "incident",
  async handle(house, request) {
    const { state, run, words } = await findRun(house, request);
    const runbook = house.catalog.runbooks.find(({ id, system }) => id === run.runbook && system === run.plan.system);
    if (runbook === undefined)
      return stop({ code: "runbook-gone", what: `The runbook ${run.runbook} is not in the catalogue any more` });
    const reason = (request.form?.reason ?? words.join(" ")).trim();
    if (reason === "" && request.form === null && request.canAskForm) {
      const says = `${run.plan.title} is aborted, and asked for anew by you: then you can not approve it.`;
      return { kind: "form", form: replanForm(run.id, says, runbook.modes, run.mode) };
    }
    const asked =
      request.form?.mode ?? (request.options.unplanned ? "unplanned" : request.options.planned ? "planned" : run.mode);
    const mode = runbook.modes.find((one): one is Mode => one === asked);
    if (mode === undefined)
      return stop({
        code: "mode-not-offered",
        where: runbook.title,
        what: `This runbook has no ${asked} mode`,
        allowed: `It can be run ${runbook.modes.join(" or ")}`,
      });
    if (isLive(run)) {
      const ended = { ...request, key: `${request.key}-abort` };
      const why = reason === "" ? "" : `Asked for anew: ${reason}`;
      const acted = await act(house, ended, state.id, { type: "abort", run: run.id, reason: why });
      if (acted.kind === "refused") return no(acted.problem);
    }
    const options = { incident: state.id, ...(run.dryRun ? { "dry-run": true as const } : {}) };
    return startRun(house, { ...request, options }, runbook, mode);
  },
};
