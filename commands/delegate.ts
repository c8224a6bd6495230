import { chainOf } from "../src/calendar/seats.ts";
import { duration, saySeconds } from "../src/catalog/duration.ts";
import type { System } from "../src/catalog/types.ts";
import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act, NOTHING_PROVED, type StepUp, wouldRefuse } from "../src/command/execute/act.ts";
import { proveSelf } from "../src/command/execute/step-up.ts";
import { nameIn, no, say, stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { personMeant } from "../src/command/resolve/person.ts";
import { namedIn, systemOf } from "../src/command/resolve/system.ts";
import { needsSecondFactor } from "../src/incident/authority.ts";
import { delegationsNow } from "../src/incident/delegation.ts";
import { canAct, personOf } from "../src/incident/people.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { isLive } from "../src/incident/status.ts";
import { delegated, delegationEnded, delegations } from "../templates/messages/approval/answers.ts";
import { delegateNotEnrolled } from "../templates/messages/approval/command-refusals.ts";
import { delegateForm } from "../templates/messages/approval/forms.ts";
import { notADuration } from "../templates/messages/incident/command-refusals.ts";
import { roleWords } from "../templates/messages/kit/people.ts";

export const delegate: Command = {
  verb: "delegate",
  aliases: ["lend"],
  summary: "Delegate a role for a while. It can't be delegated further, or to a run's requester.",
  usage:
    "/dr delegate [<role> to <person> for <time> [<reason…>] | end <role> <person>] [--code <code>] [--incident <id>]",
  examples: ["/dr delegate vp-engineering to @tess for 2h on a plane", "/dr delegate end vp-engineering @tess"],
  async handle(context, request) {
    const incident = await theIncident(context, request);
    const system = systemOf(context, incident);
    const { form, words } = request;
    if (form !== null) return lend(context, request, incident, { ...wishOf(form), system });
    if (words[0]?.toLowerCase() === "end") return end(context, request, incident, system);
    if (words.length > 0) return lend(context, request, incident, { ...readWish(words, system), system });
    if (!request.canAskForm || rolesOf(request, system).length === 0) return list(context, incident, system);
    return formFor(context, request, incident, system);
  },
};

/** Theirs on today's roster. */
function rolesOf({ caller }: Request, system: System) {
  const own = personOf(actorOf(caller), system)?.roles ?? [];
  return system.roles.filter(({ id }) => own.includes(id));
}

/** `given`: what was typed already. */
function formFor(
  context: CommandContext,
  request: Request,
  incident: IncidentState,
  system: System,
  given: Partial<Wish> = {},
): Extract<Reply, { kind: "form" }> {
  const roles = rolesOf(request, system);
  const own = personOf(actorOf(request.caller), system)?.id;
  const people = namedIn(context, incident).people.filter((one) => canAct(one) && one.id !== own);
  const coded = roles.some(({ id }) => isProvedFor(context, incident, system, id));
  return { kind: "form", form: delegateForm(incident.id, roles, people, given, coded) };
}

/** The role decides where a code is requested: in a runbook of the system, or in a run under way. */
function isProvedFor({ catalog }: CommandContext, { runs }: IncidentState, { id: system }: System, role: string) {
  const books = catalog.runbooks.filter((one) => one.system === system);
  if (chainOf(books).some((one) => one.role === role && one.stepUp)) return true;
  return [...runs.values()].filter(isLive).some((run) =>
    [...run.steps.values()].some((step) => {
      if (step.status !== "gate" || !needsSecondFactor(run, step.gate)) return false;
      return [step.gate.role, ...step.gate.escalate.map((level) => level.role)].includes(role);
    }),
  );
}

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
  const command = { type: "delegate", role, to, seconds, reason } as const;
  const isRefused = await wouldRefuse(context, request, incident, command);
  let stepUp: StepUp = NOTHING_PROVED;
  if (!isRefused && isProvedFor(context, incident, system, role)) {
    const proof = await proofOf(context, request, incident, { role, to, time, reason, system });
    if ("reply" in proof) return proof.reply;
    stepUp = proof.stepUp;
  }
  const acted = await act(context, request, incident.id, command, null, stepUp);
  if (acted.kind === "refused") return no(acted.problem);
  const until = new Date(context.timeline.now().getTime() + seconds * 1000);
  return say(delegated(nameIn(context, to), role, system, to, saySeconds(seconds), until));
}

/** @throws LifeboatError where they can't prove who they are: what an account alone hands over would count for nothing */
async function proofOf(
  context: CommandContext,
  request: Request,
  incident: IncidentState,
  { system, ...wish }: Wish & { system: System },
): Promise<{ readonly stepUp: StepUp } | { readonly reply: Reply }> {
  const { role, to, time, reason } = wish;
  const where = roleWords(system, role);
  const person = personOf(actorOf(request.caller), system);
  if (person === null) return { stepUp: NOTHING_PROVED };
  const proved = await proveSelf(context, request, {
    ...{ system, person, where },
    form: () => formFor(context, request, incident, system, wish).form,
    typed: `/dr delegate ${role} to ${to} for ${time}${reason === null ? "" : ` ${reason}`}`,
  });
  if (proved.kind === "asked") return { reply: proved.reply };
  return proved.proved.provedAfresh ? { stepUp: proved.proved } : stop(delegateNotEnrolled(where));
}

async function end(context: CommandContext, request: Request, incident: IncidentState, system: System): Promise<Reply> {
  const [, role = "", ...rest] = request.words;
  const { person } = personMeant(system, ["", ...rest], "`/dr delegate end <role> @sam`");
  const acted = await act(context, request, incident.id, { type: "endDelegation", role, to: person.id });
  if (acted.kind === "refused") return no(acted.problem);
  return say(delegationEnded(person.name, role, system));
}

function list(context: CommandContext, incident: IncidentState, system: System): Reply {
  const now = delegationsNow(incident, context.timeline.now());
  return say(delegations(now, system, (who) => nameIn(context, who)));
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
