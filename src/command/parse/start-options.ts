import { unknownSeverity } from "../../../templates/messages/incident/command-refusals.ts";
import { modeNotOffered, modeTwice } from "../../../templates/messages/run/command-refusals.ts";
import { changesSomething } from "../../catalog/drill.ts";
import type { Mode, Runbook, System } from "../../catalog/types.ts";
import type { RecordKind, SeverityId } from "../../incident/events.ts";
import { leastSeverity, severityNamed, usualSeverity } from "../../incident/severity.ts";
import type { Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { stop } from "../reply/say.ts";

/** Options every command that starts a run understands. */
export const START_OPTIONS =
  "[<input>=<value> …] [--system <system>] [--planned] [--unplanned] [--dry-run] [--drill] [--tabletop] [--severity <P0-P3>] [--incident <id>] [--again <reason…>]";

/**
 * What a run is recorded as where it joins nothing: planned work is maintenance, and so is what only looks or says so itself.
 * `--severity` makes an incident of it.
 */
export function recordKindOf(
  context: CommandContext,
  request: Request,
  runbook: Runbook,
  mode: Mode,
  dryRun: boolean,
): RecordKind {
  if (request.options.drill === true || request.options.tabletop === true) return "drill";
  if (dryRun) return "maintenance";
  if (request.options.severity !== undefined) return "real";
  const planned = mode === "planned" || runbook.maintenance === true;
  return planned || !changesSomething(runbook, context.cards, mode) ? "maintenance" : "real";
}

/** @throws LifeboatError where both are said, or one that the runbook isn't offered in */
export function modeOf(request: Request, runbook: Runbook): Mode {
  const { planned, unplanned } = request.options;
  if (planned && unplanned) return stop(modeTwice());
  const asked: Mode | null = planned ? "planned" : unplanned ? "unplanned" : null;
  if (asked !== null && !runbook.modes.includes(asked))
    return stop(modeNotOffered(runbook.title, asked, runbook.modes));
  return asked ?? (runbook.modes.includes("planned") ? "planned" : (runbook.modes[0] ?? "planned"));
}

/** `lowest`: where none is said, the least severe of the system, not its usual one. @throws LifeboatError where it has no such severity */
export function severityOf(request: Request, system: System, lowest: boolean): SeverityId {
  const asked = request.options.severity;
  if (asked === undefined) return lowest ? leastSeverity(system) : usualSeverity(system);
  return (
    severityNamed(system, String(asked)) ??
    stop(unknownSeverity(asked, system.severities.map(({ id }) => id).join(", "), {}))
  );
}
