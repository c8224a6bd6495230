import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { privateRoles } from "../members.ts";
import type { IncidentState } from "../state.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

/** Anybody who is not blocked may say that something is wrong: a false alarm costs less than a late one. */
export function declare(
  command: Extract<IncidentCommand, { type: "declare" }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "declare", problem);
  const { system, severity, kind, impactStartedAt, announceIn, drill } = command;
  if (state.declared !== null)
    return no({ code: "already-declared", what: "This incident is declared already", next: "`/dr status` shows it" });
  const title = line(command.title, LIMITS.title);
  if (title === null)
    return no({
      code: "title-missing",
      what: "An incident needs a title",
      allowed: "Say in a few words what people see",
      next: "`/dr declare Checkout fails for all customers`",
    });
  if (system !== context.system.id) return no({ code: "system-unknown", what: `There is no system ${system} here` });
  if (!context.system.severities.some((one) => one.id === severity))
    return no({
      code: "severity-unknown",
      what: `${context.system.title} has no severity ${severity}`,
      allowed: `It knows ${context.system.severities.map((one) => one.id).join(", ")}`,
    });
  if (impactStartedAt !== null && !(impactStartedAt <= context.now))
    return no({ code: "impact-later", what: "The impact can't have started in the future" });
  if (command.private === true && kind !== "real")
    return no({
      code: "private-kind",
      what: "Only an incident can be private",
      next: "Drop `--drill` or `--private`",
    });
  const impact = impactStartedAt === null ? null : impactStartedAt.toISOString();
  const hidden = command.private === true && { private: { roles: privateRoles(context.system) } };
  const data = {
    title,
    system,
    severity,
    kind,
    impactStartedAt: impact,
    announceIn,
    ...(drill && { drill }),
    ...hidden,
  };
  const { events } = accept(context, [{ type: "incident.declared", data }]);
  return { kind: "accepted", events: events.map((event) => ({ ...event, numbered: true })) };
}
