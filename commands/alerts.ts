import type { Alert, System } from "../src/catalog/types.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { pressOnly } from "../templates/messages/kit/command-refusals.ts";
import { cut, safe } from "../templates/messages/kit/escape.ts";
import { at } from "../templates/messages/kit/when.ts";
import type { Command, Reply, Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { lineFor } from "./line.ts";
import { startProposed } from "./proposed.ts";
import { say, stop } from "./say.ts";
import { runnable } from "./start.ts";
import { systemNamed } from "./targets.ts";
import { theIncident } from "./the-incident.ts";

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
    const strays = words.length === 0 ? await strayLines(context) : [];
    if (found.length > 0)
      return say([...found.map(({ system, alert }) => line(context, system, alert, systems.length > 1)), ...strays]);
    if (all.length === 0) return say(["The catalogue has no alerts for this channel.", ...strays]);
    return say(
      `No alert has "${safe(request.words.join(" "))}" in it. There are: ${all.map(({ alert }) => safe(alert.id)).join(", ")}.`,
    );
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
async function strayLines({ tally }: CommandContext): Promise<string[]> {
  const counted = (await tally.read("alerts/")).slice(0, STRAYS);
  if (counted.length === 0) return [];
  const lines = counted.map(({ what, who, count, lastAt, last }) => {
    const kind = STRAY[what] ?? what;
    return `• ${kind}: ${safe(cut(who, 120))}, ${count} times, last ${at(lastAt)}${last ? ` (${safe(cut(last, 160))})` : ""}`;
  });
  return ["*Sent, and no alert of the catalogue:*", ...lines];
}

const STRAY: Readonly<Record<string, string>> = {
  "alerts/unmatched": "Not in the catalogue",
  "alerts/refused": "Not readable",
  "alerts/unauthenticated": "Not authenticated",
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
  const more = alert.link === null ? "" : ` · <${new URL(alert.link).href.replace(/\|/g, "%7C")}|More>`;
  return `• *${alert.severity}* ${safe(alert.id)}${where}: ${safe(alert.title)} (${safe(alert.when)}). ${next}${more}`;
}
