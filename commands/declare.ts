import type { System } from "../src/catalog/types.ts";
import type { Command, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { mayDeclare } from "../src/command/execute/quota.ts";
import { pastMoment } from "../src/command/parse/fields.ts";
import { momentIn } from "../src/command/parse/moment.ts";
import { nearLine } from "../src/command/reply/near-line.ts";
import { announcedElsewhere, no, say, stop, whereOf } from "../src/command/reply/say.ts";
import { runnable, systemNamed } from "../src/command/resolve/system.ts";
import type { SeverityId } from "../src/incident/events.ts";
import { incidentName } from "../src/incident/numbers.ts";
import { severityNamed, usualSeverity } from "../src/incident/severity.ts";
import { messageOf } from "../src/lib/errors.ts";
import { idFor } from "../src/lib/id-for.ts";
import { declared, declaredPrivately } from "../templates/messages/incident/answers.ts";
import { systemMissing, unknownSeverity } from "../templates/messages/incident/command-refusals.ts";
import { severityHelp } from "../templates/messages/incident/contacts.ts";
import { declareForm } from "../templates/messages/incident/forms.ts";
import { readinessWarning } from "../templates/messages/incident/readiness.ts";
import { didYouMean } from "../templates/messages/kit/command-refusals.ts";

export const declare: Command = {
  verb: "declare",
  aliases: ["incident", "new"],
  summary: "Declare an incident: with a form, or all on one line.",
  usage:
    "/dr declare [<P0-P3>] [<title…>] [--system <system>] [--severity <P0-P3>] [--impact <time>] [--drill] [--private]",
  examples: [
    "/dr declare",
    "/dr declare P0 Orders cannot be placed --impact 02:41",
    "/dr declare --private Keys leaked",
  ],
  everyMember: true,
  checkForm: (context, { form }) => pastMoment(form, "impact", context.timeline.now()),
  async handle(context, request) {
    const { severity: said, title } = request.form
      ? { severity: undefined, title: (request.form.title ?? "").trim() }
      : headed(request.rest.trim());
    const systems = runnable(context);
    const named = request.form?.system || request.options.system;
    const unclear = title === "" || isShortcut(request) || (named === undefined && systems.length > 1);
    if (request.form === null && request.canAskForm && unclear)
      return {
        kind: "form",
        form: declareForm(systems, "", { title, severity: said, private: request.options.private === true }),
      };
    const system = named !== undefined ? systemNamed(systems, named) : theOnly(systems);
    const severity = severityIn(system, request.form?.severity ?? request.options.severity ?? said);
    const hidden = request.options.private === true || request.form?.private === "private";
    const impact = request.form?.impact || request.options.impact;
    const incident = idFor("inc", request.key);
    await mayDeclare(context, request, system, severity, incident);
    const acted = await act(
      context,
      request,
      incident,
      {
        type: "declare",
        title,
        system: system.id,
        severity,
        kind: request.options.drill === true ? "drill" : "real",
        impactStartedAt: typeof impact === "string" && impact !== "" ? momentIn(impact, context.timeline.now()) : null,
        announceIn: request.place.channel,
        ...(hidden && { private: true as const }),
      },
      system,
    );
    if (acted.kind === "refused") return no(acted.problem);
    const name = incidentName(await context.incidents.read(incident));
    const channel = await context.channelOf(incident);
    const where = channel === null ? null : await whereOf(context, incident);
    if (hidden) return say(declaredPrivately(name, severity, where));
    const elsewhere = announcedElsewhere(context, request.place.channel);
    const warnings = await readinessLine(context, system);
    return say(declared({ name, title, severity, system, where, warnings, elsewhere }));
  },
};

/** What can't be relied upon now is better known before the first `/dr failover`. Nothing waits for it. */
async function readinessLine({ readiness, log }: CommandContext, system: System): Promise<readonly string[]> {
  try {
    const [now] = (await readiness?.of([system])) ?? [];
    const warning = now && readinessWarning(now);
    return warning ? [warning] : [];
  } catch (error) {
    log.warn({ event: "readiness.unread", error: messageOf(error) }, "readiness could not be read");
    return [];
  }
}

/** A message that was pointed at: its words are a proposal for the title, not the title. */
function isShortcut({ words, rest }: Request): boolean {
  return words.length === 0 && rest !== "";
}

function theOnly(systems: readonly System[]): System {
  const [only] = systems;
  if (only !== undefined && systems.length === 1) return only;
  return stop(systemMissing(systems.map(({ id }) => id)));
}

/** "P0 checkout is down": people begin with it. The severity is not part of the title then. */
function headed(words: string): { readonly severity: string | undefined; readonly title: string } {
  const [, severity, title] = /^(p[0-3])\b[\s:,·–-]*(.+)$/is.exec(words) ?? [];
  return title === undefined ? { severity: undefined, title: words } : { severity, title };
}

function severityIn(system: System, said: string | true | undefined): SeverityId {
  if (said === undefined) return usualSeverity(system);
  const found = said === true ? null : severityNamed(system, said);
  if (found !== null) return found;
  const known = system.severities.map(({ id }) => id);
  return stop(
    unknownSeverity(
      said,
      severityHelp(system),
      didYouMean(nearLine(String(said).toUpperCase(), known, "declare … --severity ")),
    ),
  );
}
