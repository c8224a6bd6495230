import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { checkCode } from "../src/command/execute/codes.ts";
import { WORKSPACE } from "../src/command/execute/record.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { personMeant } from "../src/command/resolve/person.ts";
import { personOf } from "../src/incident/people.ts";
import { holderOf } from "../src/mfa/second-factor.ts";
import { endorsed, endorsementNotNeeded, endorseSays } from "../templates/messages/approval/answers.ts";
import {
  endorseCodeMissing,
  endorseNothing,
  endorserTooNew,
  endorseSelf,
  endorseStranger,
  NOTHING_CHANGED,
  noAuthenticators,
} from "../templates/messages/approval/command-refusals.ts";
import { proveForm } from "../templates/messages/approval/forms.ts";

export const vouch: Command = {
  verb: "vouch",
  aliases: [],
  summary: "Vouch for a colleague's new authenticator, so that it counts at once.",
  usage: "/dr vouch <person> [--code <code>]",
  examples: ["/dr vouch @vera --code 123456"],
  whole: ({ words }) => words.length <= 3,
  async handle(context, request) {
    const { mfa } = context;
    if (mfa === undefined || mfa.closed !== null) return stop(mfa?.closed ?? noAuthenticators());
    if (mfa.settleHours === 0) return say(endorsementNotNeeded());
    const pairs = pairsOf(context, request);
    const [first] = pairs;
    if (first === undefined) return stop(endorseStranger());
    if (pairs.some(({ me, them }) => me.id === them.id)) return stop(endorseSelf());
    const holders = pairs.map(({ system, them }) => holderOf(system, them.id));
    if (!(await mfa.enrolled(holders))) return stop(endorseNothing(first.them.name));
    const own = holderOf(first.system, first.me.id);
    const counts = await mfa.counts(own, null);
    if (!counts.ok || counts.vouchedBy !== null)
      return stop(endorserTooNew(counts.ok ? undefined : counts.problem.what));
    const code = request.form?.code ?? request.options.code;
    if (typeof code !== "string") return ask(request, first.them);
    const verdict = await checkCode(context, mfa, request, { holder: own, code });
    if (!verdict.ok) return stop({ ...NOTHING_CHANGED, ...verdict.problem });
    await mfa.endorse(holders, own);
    const event = {
      type: "person.vouched",
      data: { people: holders, by: own },
      key: `${request.key}/person.vouched`,
      actor: actorOf(request.caller),
    };
    await context.timeline.decide(WORKSPACE, () => ({ events: [event], value: null }));
    return say(endorsed(first.them.name));
  },
};

function ask(request: Request, them: { readonly id: string; readonly name: string }): Reply {
  if (request.canAskForm)
    return {
      kind: "form",
      form: proveForm("vouch", "Vouch for a colleague", "Vouch", them.id, [endorseSays(them.name)]),
    };
  return stop(endorseCodeMissing(them.id));
}

/** Every roster that both are on; where they are on none together, why. */
function pairsOf(context: CommandContext, request: Request) {
  const words = ["", ...(request.actionValue ? [request.actionValue] : request.words)];
  let why: unknown = null;
  const pairs = context.catalog.systems.flatMap((system) => {
    const me = personOf(actorOf(request.caller), system);
    if (me === null) return [];
    try {
      return [{ system: system.id, me, them: personMeant(system, words, "`/dr vouch @sam`").person }];
    } catch (error) {
      why = error;
      return [];
    }
  });
  if (pairs.length === 0 && why !== null) throw why;
  return pairs;
}
