import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { privateRoles } from "../members.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

/** Anyone who is not blocked may say that something is wrong: a false alarm costs less than a late one. */
export function declare(
  command: Extract<IncidentCommand, { type: "declare" }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  const no = (refusal: Refusal) => refuse(context, "declare", refusal);
  const { system, severity, kind, impactStartedAt, announceIn, drill } = command;
  if (state.declared !== null) return no({ code: "already-declared" });
  const title = line(command.title, LIMITS.title);
  if (title === null) return no({ code: "title-missing" });
  if (system !== context.system.id) return no({ code: "system-unknown", system });
  const wrong = unknownSeverity(severity, context);
  if (wrong !== null) return no(wrong);
  if (impactStartedAt !== null && !(impactStartedAt <= context.now)) return no({ code: "impact-later" });
  if (command.private === true && kind !== "real") return no({ code: "private-kind" });
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

/** Why it isn't a severity of this system, or null. */
export function unknownSeverity(severity: string, { system }: Pick<DecideContext, "system">): Refusal | null {
  const known = system.severities.map(({ id }): string => id);
  return known.includes(severity) ? null : { code: "severity-unknown", system: system.title, severity, known };
}
