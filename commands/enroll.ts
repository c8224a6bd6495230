import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { sourceOf, tellLocked } from "../src/command/execute/codes.ts";
import { WORKSPACE } from "../src/command/execute/record.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { personOf } from "../src/incident/people.ts";
import { holderOf, type SecondFactor } from "../src/mfa/second-factor.ts";
import { alreadyEnrolled, enrolled, enrolling } from "../templates/messages/approval/answers.ts";
import { noAuthenticators } from "../templates/messages/approval/command-refusals.ts";
import { enrollForm, enrollLines } from "../templates/messages/approval/forms.ts";
import { onNoRoster } from "../templates/messages/kit/command-refusals.ts";

export const enroll: Command = {
  verb: "enroll",
  aliases: ["enrol"],
  summary: "Set up an authenticator code for approvals that need one.",
  usage: "/dr enroll [<code>] [--again] [--current <code>]",
  examples: ["/dr enroll", "/dr enroll 123456"],
  async handle(context, request) {
    const { mfa } = context;
    if (mfa === undefined) return stop(noAuthenticators());
    if (mfa.closed !== null) return stop(mfa.closed);
    const mine = placesOf(context, request);
    const code = request.form?.code ?? request.words[0];
    if (code !== undefined) return confirm(context, request, mfa, mine, code);
    const replaces = await mfa.enrolled(holders(mine));
    if (replaces && request.options.again === undefined) return say(alreadyEnrolled(mfa.method));
    const { secret, uri } = await mfa.begin(holders(mine), mine[0]?.name ?? request.caller.name);
    if (request.canAskForm) return { kind: "form", form: enrollForm(secret, uri, replaces) };
    return say(enrolling(enrollLines(secret, uri), replaces));
  },
};

interface Place {
  readonly system: string;
  readonly person: string;
  readonly name: string;
}

async function confirm(
  context: CommandContext,
  request: Request,
  mfa: SecondFactor,
  mine: readonly Place[],
  code: string,
): Promise<Reply> {
  const typed = request.form?.current ?? request.options.current;
  const current = typeof typed === "string" && typed !== "" ? typed : null;
  const replaced = await mfa.enrolled(holders(mine));
  const verdict = await mfa.confirm(holders(mine), code, current, request.key, sourceOf(request));
  await tellLocked(context, request, holders(mine), verdict);
  if (!verdict.ok) return stop(verdict.problem);
  const people = holders(mine);
  const waits = mfa.settleHours * 3_600_000;
  const from = replaced || waits === 0 ? null : new Date(context.timeline.now().getTime() + waits);
  const countsFrom = from?.toISOString() ?? null;
  const event = {
    type: "person.enrolled",
    data: { people, method: mfa.method, replaced, countsFrom },
    key: `${request.key}/person.enrolled`,
    actor: actorOf(request.caller),
  };
  await context.timeline.decide(WORKSPACE, () => ({ events: [event], value: null }));
  return say(enrolled(from));
}

/** Every roster the caller is on: one entry in the authenticator serves them all. */
function placesOf(context: CommandContext, { caller }: Request): readonly Place[] {
  const found = context.catalog.systems.flatMap((system) => {
    const person = personOf(actorOf(caller), system);
    return person === null ? [] : [{ system: system.id, person: person.id, name: person.name }];
  });
  if (found.length > 0) return found;
  return stop(onNoRoster());
}

function holders(mine: readonly Place[]): readonly string[] {
  return mine.map(({ system, person }) => holderOf(system, person));
}
