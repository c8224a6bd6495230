import { actorOf, type Command, type Reply, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act, NOTHING_PROVED, type StepUp, wouldRefuse } from "../src/command/execute/act.ts";
import { proveSelf } from "../src/command/execute/step-up.ts";
import { no, say, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { personOf } from "../src/incident/people.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { signOffForm } from "../templates/messages/approval/forms.ts";
import { signedOff } from "../templates/messages/incident/answers.ts";

export const signOff: Command = {
  verb: "sign-off",
  aliases: ["attest"],
  summary: "Sign off a record that is over: your attestation stands on its timeline and in evidence packs.",
  usage: "/dr sign-off [--incident <id>] [--code <code>] <what you attest…>",
  examples: ["/dr sign-off The results are complete, and I accept the open items"],
  // An attestation is free text, so nothing in a message tells it from prose.
  whole: () => false,
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    const statement = (request.form?.statement ?? request.rest).trim();
    const proof = await proofOf(context, request, incident, statement);
    if ("reply" in proof) return proof.reply;
    const acted = await act(context, request, incident.id, { type: "signOff", statement }, null, proof.stepUp);
    if (acted.kind === "refused") return no(acted.problem);
    const covered = (await context.incidents.read(incident.id)).signOffs?.at(-1);
    const { statement: says = "", version = 0, proved = false } = covered ?? {};
    return say(signedOff(await whereOf(context, incident.id), says, version, proved === true));
  },
};

/** Who has a second factor attests with it: evidence is read long after, and a session may be stolen. */
async function proofOf(
  context: CommandContext,
  request: Request,
  incident: IncidentState,
  statement: string,
): Promise<{ readonly stepUp: StepUp } | { readonly reply: Reply }> {
  const system = systemOf(context, incident);
  const person = personOf(actorOf(request.caller), system);
  const refused = await wouldRefuse(context, request, incident, { type: "signOff", statement });
  if (refused || person === null) return { stepUp: NOTHING_PROVED };
  const where = incident.declared?.title ?? incident.id;
  const proved = await proveSelf(context, request, {
    ...{ system, person, where, typed: `/dr sign-off --incident ${incident.id} ${statement}` },
    form: () => signOffForm(incident.id, where, statement),
  });
  return proved.kind === "asked" ? { reply: proved.reply } : { stepUp: proved.proved };
}
