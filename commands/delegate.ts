import { duration, saySeconds } from "../src/catalog/duration.ts";
import type { System } from "../src/catalog/types.ts";
import { delegationsNow } from "../src/incident/delegation.ts";
import { canAct, personOf } from "../src/incident/people.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { delegateForm } from "../templates/messages/approval/forms.ts";
import { notADuration } from "../templates/messages/incident/command-refusals.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import { roleWords } from "../templates/messages/kit/people.ts";
import { clock } from "../templates/messages/kit/when.ts";
import { act } from "./act.ts";
import { actorOf, type Command, type Reply, type Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { namedIn, systemOf } from "./incidents.ts";
import { nameIn, no, say, stop } from "./say.ts";
import { theIncident } from "./the-incident.ts";
import { personMeant } from "./who.ts";

export const delegate: Command = {
  verb: "delegate",
  aliases: ["lend"],
  summary: "Delegate a role for a while. It can't be delegated further, or to a run's requester.",
  usage: "/dr delegate [<role> to <person> for <time> [<reason…>] | end <role> <person>] [--incident <id>]",
  examples: ["/dr delegate vp-engineering to @tess for 2h on a plane", "/dr delegate end vp-engineering @tess"],
  async handle(context, request) {
    const incident = await theIncident(context, request);
    const system = systemOf(context, incident);
    const { form, words } = request;
    if (form !== null) return lend(context, request, incident, { ...wishOf(form), system });
    if (words[0]?.toLowerCase() === "end") return end(context, request, incident, system);
    if (words.length > 0) return lend(context, request, incident, { ...readWish(words, system), system });
    if (!request.canAskForm) return list(context, incident, system);
    const own = personOf(actorOf(request.caller), system)?.roles ?? [];
    const roles = system.roles.filter(({ id }) => own.includes(id));
    if (roles.length === 0) return list(context, incident, system);
    const people = namedIn(context, incident).people.filter(
      (one) => canAct(one) && one.id !== personOf(actorOf(request.caller), system)?.id,
    );
    return { kind: "form", form: delegateForm(incident.id, roles, people) };
  },
};

interface Wish {
  readonly role: string;
  readonly to: string;
  readonly time: string;
  readonly reason: string | null;
}

async function lend(
  context: CommandContext,
  request: Request,
  incident: IncidentState,
  { role, to, time, reason, system }: Wish & { system: System },
): Promise<Reply> {
  const seconds = secondsIn(time);
  const acted = await act(context, request, incident.id, { type: "delegate", role, to, seconds, reason });
  if (acted.kind === "refused") return no(acted.problem);
  const until = new Date(context.timeline.now().getTime() + seconds * 1000);
  return say([
    `${nameIn(context, to)} may decide as *${roleWords(system, role)}* for you for ${saySeconds(seconds)}, until ${clock(until)}.`,
    `Together you count once. To end it: \`/dr delegate end ${safe(role)} ${safe(to)}\`.`,
  ]);
}

async function end(context: CommandContext, request: Request, incident: IncidentState, system: System): Promise<Reply> {
  const [, role = "", ...rest] = request.words;
  const { person } = personMeant(system, ["", ...rest], "`/dr delegate end <role> @sam`");
  const acted = await act(context, request, incident.id, { type: "endDelegation", role, to: person.id });
  if (acted.kind === "refused") return no(acted.problem);
  return say(
    `${safe(person.name)} no longer decides as *${roleWords(system, role)}*. Their approvals for steps not yet started are void.`,
  );
}

function list(context: CommandContext, incident: IncidentState, system: System): Reply {
  const lent = delegationsNow(incident, context.timeline.now());
  if (lent.length === 0)
    return say(
      "No roles are delegated. To delegate yours: `/dr delegate <role> to @sam for 2h`.".replace(
        "<role>",
        "&lt;role&gt;",
      ),
    );
  return say([
    "Lent now:",
    ...lent.map(
      ({ role, from, to, until }) =>
        `• *${roleWords(system, role)}*: ${nameIn(context, to)} for ${nameIn(context, from)}, until ${clock(until)}`,
    ),
  ]);
}

/** `vp-engineering to @tess for 2h on a plane`; `to` may be left out. */
function readWish(words: readonly string[], system: System): Wish {
  const at = words.findIndex((word) => word.toLowerCase() === "for");
  const before = (at === -1 ? words : words.slice(0, at)).filter((word) => word.toLowerCase() !== "to");
  const [time = "", ...reason] = at === -1 ? [] : words.slice(at + 1);
  const found = personMeant(system, before, "`/dr delegate <role> to @sam for 2h`");
  const role = before
    .slice(0, before.length - found.words)
    .join(" ")
    .toLowerCase();
  const known = system.roles.find(({ id, title }) => id === role || title.toLowerCase() === role);
  return { role: known?.id ?? role, to: found.person.id, time, reason: reason.join(" ") || null };
}

function wishOf(form: Readonly<Record<string, string>>): Wish {
  return { role: form.role ?? "", to: form.person ?? "", time: form.for ?? "", reason: form.reason?.trim() || null };
}

function secondsIn(time: string): number {
  const read = duration.safeParse(time.trim());
  if (read.success) return read.data;
  return stop(notADuration(time));
}
