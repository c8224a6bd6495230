import type { Command, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { assignedIn } from "../src/command/parse/assigned.ts";
import { START_OPTIONS } from "../src/command/parse/start-options.ts";
import { runbookFor, siteIn, startable } from "../src/command/resolve/runbook.ts";
import { failoverForm } from "../templates/messages/run/forms.ts";

export const failover: Command = {
  verb: "failover",
  aliases: ["fail-over", "switchover"],
  summary: "Fail over a component or region to its standby: preflight, approval, then step by step.",
  usage: `/dr failover <component> ${START_OPTIONS}`,
  examples: ["/dr failover database", "/dr failover database --dry-run", "/dr failover database --unplanned"],
  startsRuns: true,
  async handle(context, request) {
    const known = startable(context, "failover");
    if (request.form?.runbook !== undefined) return startFromForm(context, request, request.form);
    if (request.words.length === 0 && request.canAskForm && known.length > 0)
      return { kind: "form", form: failoverForm(known) };
    const runbook = await runbookFor(context, request, "failover");
    const asked = assignedIn(request.words).words.join(" ");
    const site = runbook.leavesSite ? siteIn(context, runbook, asked) : null;
    return startRun(context, site === null ? request : leaving(request, site), runbook);
  },
};

/** `/dr failover us-east-1` says which site is left, unless `from=` says it already. */
function leaving(request: Request, site: string): Request {
  const said = assignedIn(request.words).given.has("from");
  return said ? request : { ...request, words: [...request.words, `from=${site}`] };
}

/** What a form brings back is looked up like what is typed. */
async function startFromForm(context: CommandContext, request: Request, form: Readonly<Record<string, string>>) {
  const [system = "", id] = (form.runbook ?? "").split("/");
  const found = startable(context, "failover").find((one) => one.system === system && one.id === id);
  const options = {
    ...(form.mode === "unplanned" ? { unplanned: true as const } : { planned: true as const }),
    ...(form.how === "dry-run" && { "dry-run": true as const }),
  };
  const runbook = found ?? (await runbookFor(context, { ...request, words: [form.runbook ?? ""] }, "failover"));
  const typed = { verb: "runbook", words: [runbook.id], options: { system: runbook.system, ...options } };
  return startRun(context, { ...request, ...typed }, runbook);
}
