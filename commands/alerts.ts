import type { Alert, System } from "../src/catalog/types.ts";
import { safe } from "../templates/messages/escape.ts";
import type { Command } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { lineFor } from "./line.ts";
import { say } from "./say.ts";
import { runnable } from "./start.ts";
import { systemNamed } from "./targets.ts";

export const alerts: Command = {
  verb: "alerts",
  aliases: ["alert"],
  summary: "List alerts, their severity and the command that answers them. Words filter the list.",
  usage: "/dr alerts [<words…>] [--system <system>]",
  examples: ["/dr alerts", "/dr alerts database"],
  reads: () => true,
  async handle(context, request) {
    const named = request.options.system;
    const known = runnable(context);
    const systems = named === undefined ? known : [systemNamed(known, named)];
    const words = request.words.map((word) => word.toLowerCase());
    const all = systems.flatMap((system) => (system.alerts ?? []).map((alert) => ({ system, alert })));
    const found = all
      .filter((one) => words.every((word) => namesOf(one.system, one.alert).some((name) => name.includes(word))))
      .sort((one, other) => one.alert.severity.localeCompare(other.alert.severity));
    if (found.length > 0)
      return say(found.map(({ system, alert }) => line(context, system, alert, systems.length > 1)));
    if (all.length === 0) return say("The catalogue has no alerts for this channel.");
    return say(
      `No alert has "${safe(request.words.join(" "))}" in it. There are: ${all.map(({ alert }) => safe(alert.id)).join(", ")}.`,
    );
  },
};

/** Everything it goes by, in lower case. */
function namesOf(system: System, { id, title, when, component }: Alert): readonly string[] {
  const about = system.components.find((one) => one.id === component);
  return [id, title, when, component, about?.title ?? "", ...(about?.aliases ?? [])].map((name) => name.toLowerCase());
}

function line({ catalog }: CommandContext, system: System, alert: Alert, several: boolean): string {
  const runbook = catalog.runbooks.find((one) => one.system === system.id && one.id === alert.runbook);
  const where = several ? ` (${safe(system.title)})` : "";
  const next =
    runbook !== undefined
      ? `${safe(runbook.title)}: \`${lineFor(catalog, runbook, alert.mode)}\``
      : system.triage !== undefined
        ? "No runbook answers it. Start triage: `/dr triage`"
        : "No runbook answers it";
  return `• *${alert.severity}* ${safe(alert.id)}${where}: ${safe(alert.title)} (${safe(alert.when)}). ${next}`;
}
