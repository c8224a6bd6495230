import type { Alert, System } from "../src/catalog/types.ts";
import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { startProposed } from "../src/command/execute/start-proposed.ts";
import { lineFor } from "../src/command/reply/line.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { runnable, systemNamed } from "../src/command/resolve/system.ts";
import { alertList, alertNext, alertUnknown, type StrayAlerts } from "../templates/messages/incident/answers.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { pressOnly } from "../templates/messages/kit/command-refusals.ts";
import { safe } from "../templates/messages/kit/escape.ts";

/** What came in and is no alert of the catalogue, or was refused: so many lines. */
const STRAYS = 10;

export const alerts: Command = {
  verb: "alerts",
  aliases: ["alert", "alert.start"],
  summary: "List alerts, their severity and the command that answers them. Words filter the list.",
  usage: "/dr alerts [<words…>] [--system <system>]",
  examples: ["/dr alerts", "/dr alerts database"],
  startsRuns: true,
  reads: ({ verb }) => verb !== "alert.start",
  async handle(context, request) {
    if (request.verb === "alert.start") return start(context, request);
    const named = request.options.system;
    const known = runnable(context);
    const systems = named === undefined ? known : [systemNamed(known, named)];
    const words = request.words.map((word) => word.toLowerCase());
    const all = systems.flatMap((system) => (system.alerts ?? []).map((alert) => ({ system, alert })));
    const found = all
      .filter((one) => words.every((word) => namesOf(one.system, one.alert).some((name) => name.includes(word))))
      .sort((one, other) => one.alert.severity.localeCompare(other.alert.severity));
    if (found.length === 0 && all.length > 0)
      return say(
        alertUnknown(
          request.words.join(" "),
          all.map(({ alert }) => alert.id),
        ),
      );
    const lines = found.map(({ system, alert }) => line(context, system, alert, systems.length > 1));
    return say(alertList(lines, words.length === 0 ? await straysOf(context) : []));
  },
};

/** Carries incident, alert and mode: what the alert proposes is requested like any run. */
async function start(context: CommandContext, request: Request): Promise<Reply> {
  const { incident, about } = parseActionValue(request.actionValue);
  const [alert = "", mode = ""] = about;
  if (incident === null || mode === "") return stop(pressOnly("`/dr alerts` lists the commands"));
  const state = await theIncident(context, request);
  const proposed = state.id === incident ? state.alerts?.get(alert)?.runbook : null;
  return startProposed(context, request, state, proposed, mode, "alert");
}

/** What was sent and opened no incident: without it no one would know that an alert is missing in the catalogue, or its sender's secret wrong. */
async function straysOf({ tally }: CommandContext): Promise<readonly StrayAlerts[]> {
  return (await tally.read("alerts/")).slice(0, STRAYS).map(({ what, ...one }) => ({ ...one, kind: what }));
}

/** Everything it goes by, in lower case. */
function namesOf(system: System, { id, title, when, component }: Alert): readonly string[] {
  const about = system.components.find((one) => one.id === component);
  return [id, title, when, component, about?.title ?? "", ...(about?.aliases ?? [])].map((name) => name.toLowerCase());
}

function line({ catalog }: CommandContext, system: System, alert: Alert, several: boolean): string {
  const runbook = catalog.runbooks.find((one) => one.system === system.id && one.id === alert.runbook);
  const where = several ? ` (${safe(system.title)})` : "";
  const next = alertNext(
    runbook === undefined ? null : { title: runbook.title, line: lineFor(catalog, runbook, alert.mode) },
    system.triage !== undefined,
  );
  const more = alert.link === null ? "" : ` · <${new URL(alert.link).href.replace(/\|/g, "%7C")}|More>`;
  return `• *${alert.severity}* ${safe(alert.id)}${where}: ${safe(alert.title)} (${safe(alert.when)}). ${next}${more}`;
}
