import { personOf } from "../src/incident/people.ts";
import { holderOf, type Proof } from "../src/proof/proof.ts";
import { safe } from "../templates/messages/escape.ts";
import { enrollForm, enrollLines } from "../templates/messages/forms.ts";
import { at } from "../templates/messages/when.ts";
import { sourceOf, tellLocked } from "./codes.ts";
import { actorOf, type Command, type Reply, type Request } from "./command.ts";
import type { House } from "./house.ts";
import { WORKSPACE } from "./record.ts";
import { say, stop } from "./say.ts";

export const enroll: Command = {
  verb: "enroll",
  aliases: ["enrol"],
  summary: "Set up an authenticator code for approvals that need one.",
  usage: "/dr enroll [<code>] [--again] [--current <code>]",
  examples: ["/dr enroll", "/dr enroll 123456"],
  async handle(house, request) {
    const { proof } = house;
    if (proof === undefined) return stop({ code: "proof-closed", what: "Authenticators can't be set up here" });
    if (proof.closed !== null) return stop(proof.closed);
    const mine = placesOf(house, request);
    const code = request.form?.code ?? request.words[0];
    if (code !== undefined) return confirm(house, request, proof, mine, code);
    const replaces = await proof.enrolled(holders(mine));
    if (replaces && request.options.again === undefined)
      return say([
        `You already have an authenticator set up (${safe(proof.method)}).`,
        "A new phone? `/dr enroll --again` replaces it; you need a code of the current one.",
      ]);
    const { secret, uri } = await proof.begin(holders(mine), mine[0]?.name ?? request.caller.name);
    if (request.canAskForm) return { kind: "form", form: enrollForm(secret, uri, replaces) };
    const then = replaces ? "`/dr enroll 123456 --current 654321`" : "`/dr enroll 123456`";
    return say([...enrollLines(secret, uri), `Then confirm with the code it shows: ${then}, within ten minutes.`]);
  },
};

interface Place {
  readonly system: string;
  readonly person: string;
  readonly name: string;
}

async function confirm(
  house: House,
  request: Request,
  proof: Proof,
  mine: readonly Place[],
  code: string,
): Promise<Reply> {
  const typed = request.form?.current ?? request.options.current;
  const current = typeof typed === "string" && typed !== "" ? typed : null;
  const replaced = await proof.enrolled(holders(mine));
  const verdict = await proof.confirm(holders(mine), code, current, request.key, sourceOf(request));
  await tellLocked(house, request, holders(mine), verdict);
  if (!verdict.ok) return stop(verdict.problem);
  const people = holders(mine);
  const waits = proof.settleHours * 3_600_000;
  const from = replaced || waits === 0 ? null : new Date(house.timeline.now().getTime() + waits);
  const countsFrom = from?.toISOString() ?? null;
  const event = {
    type: "person.enrolled",
    data: { people, method: proof.method, replaced, countsFrom },
    key: `${request.key}/person.enrolled`,
    actor: actorOf(request.caller),
  };
  await house.timeline.decide(WORKSPACE, () => ({ events: [event], value: null }));
  if (from !== null)
    return say([
      `Your authenticator counts from ${at(from)}, for approvals requested after that.`,
      "Sooner, if a colleague with an authenticator vouches for you: `/dr vouch @you`. The announce channel is told.",
    ]);
  return say("Your authenticator is set up. Approvals that need a code will ask for it.");
}

/** Every roster the caller is on: one entry in the authenticator serves them all. */
function placesOf(house: House, { caller }: Request): readonly Place[] {
  const found = house.catalog.systems.flatMap((system) => {
    const person = personOf(actorOf(caller), system);
    return person === null ? [] : [{ system: system.id, person: person.id, name: person.name }];
  });
  if (found.length > 0) return found;
  return stop({ code: "not-on-roster", what: "You are not on the roster of any system here" });
}

function holders(mine: readonly Place[]): readonly string[] {
  return mine.map(({ system, person }) => holderOf(system, person));
}
