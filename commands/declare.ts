import type { System } from "../src/catalog/types.ts";
import type { SeverityId } from "../src/incident/events.ts";
import { safe } from "../templates/messages/escape.ts";
import { declareForm } from "../templates/messages/forms.ts";
import { act } from "./act.ts";
import type { Command, Request } from "./command.ts";
import { idFor } from "./ids.ts";
import { momentIn } from "./moment.ts";
import { no, say, stop, whereOf } from "./say.ts";
import { runnable } from "./start.ts";
import { didYouMean, systemNamed } from "./targets.ts";

export const declare: Command = {
  verb: "declare",
  aliases: ["incident", "new"],
  summary: "Declare an incident: with a form, or all on one line.",
  usage: "/dr declare [<title…>] [--system <system>] [--severity <P0-P3>] [--impact <time>] [--drill]",
  examples: ["/dr declare", "/dr declare Orders can not be placed --severity P0 --impact 02:41"],
  where: "anywhere",
  async handle(house, request) {
    const title = (request.form?.title ?? request.rest).trim();
    const systems = runnable(house);
    const named = request.form?.system || request.options.system;
    const unclear = title === "" || isShortcut(request) || (named === undefined && systems.length > 1);
    if (request.form === null && request.canAskForm && unclear)
      return { kind: "form", form: declareForm(systems, "", { title }) };
    const system = named !== undefined ? systemNamed(systems, named) : theOnly(systems);
    const severity = severityIn(
      request,
      system.severities.map(({ id }) => id),
    );
    const impact = request.form?.impact || request.options.impact;
    const incident = idFor("inc", request.key);
    const acted = await act(
      house,
      request,
      incident,
      {
        type: "declare",
        title,
        system: system.id,
        severity,
        kind: request.options.drill === true ? "drill" : "real",
        impactStartedAt: typeof impact === "string" && impact !== "" ? momentIn(impact, house.timeline.now()) : null,
        announceIn: request.place.channel,
      },
      system,
    );
    if (acted.kind === "refused") return no(acted.problem);
    const channel = await house.channelOf(incident);
    return say([
      `${severity} incident declared: *${safe(title)}* (${safe(system.title)}).`,
      channel === null
        ? `Its channel is being made; it is ${safe(incident)}. Everybody will find it in the announcement.`
        : `It is handled in ${await whereOf(house, incident)}.`,
      "Next: take the command with `/dr role take incident-commander`, or start a recovery with `/dr failover`.",
    ]);
  },
};

/** A message that was pointed at: its words are a proposal for the title, not the title. */
function isShortcut({ words, rest }: Request): boolean {
  return words.length === 0 && rest !== "";
}

function theOnly(systems: readonly System[]): System {
  const [only] = systems;
  if (only !== undefined && systems.length === 1) return only;
  return stop({
    code: "system-missing",
    what: "Say which system is hurt",
    allowed: systems.length > 0 ? `Systems: ${systems.map(({ id }) => id).join(", ")}` : "The catalogue has no system",
    next: `Add it: \`/dr declare … --system ${systems[0]?.id ?? "<system>"}\``,
  });
}

/** P1 where nobody says otherwise: too loud costs less than too quiet. */
function severityIn(request: Request, known: readonly SeverityId[]): SeverityId {
  const asked = request.form?.severity ?? request.options.severity ?? "P1";
  const found = known.find((id) => id === String(asked).toUpperCase());
  if (found) return found;
  if (request.form === null && request.options.severity === undefined && known[0]) return known[0];
  return stop({
    code: "severity-unknown",
    what: asked === true ? "--severity needs a value" : `There is no severity "${asked}"`,
    allowed: `Severities: ${known.join(", ")}`,
    ...didYouMean(String(asked).toUpperCase(), known, "declare … --severity "),
  });
}
