import { brokenTimelines, noIncident, unknownIncident } from "../../../templates/messages/incident/command-refusals.ts";
import type { Open } from "../../../templates/messages/incident/situation.ts";
import { which } from "../../../templates/messages/incident/situation.ts";
import { parseActionValue } from "../../../templates/messages/kit/action-value.ts";
import type { Message } from "../../../templates/messages/kit/message.ts";
import { numberIn } from "../../incident/numbers.ts";
import type { IncidentState } from "../../incident/state.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { stop } from "../reply/say.ts";
import { mayKnow } from "./system.ts";

/** The incident of this number (`INC-42`, `42`) or id. @throws LifeboatError `incident-unknown` where none was declared */
export async function incidentNamed({ incidents }: CommandContext, id: string): Promise<IncidentState> {
  const number = numberIn(id);
  const known = id.toLowerCase();
  const state =
    number !== null ? await incidents.numbered(number) : known.startsWith("inc-") ? await incidents.read(known) : null;
  if (state?.declared) return state;
  throw new LifeboatError(unknownIncident(id));
}

/** The incident whose own channel the request was made in. */
export async function incidentHere({ incidents }: CommandContext, { place }: Request): Promise<Open | null> {
  const here = place.channel === null ? null : await incidents.at(place.channel);
  return here?.state.declared ? here : null;
}

export type Meant =
  | { readonly kind: "one"; readonly incident: Open }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly open: readonly Open[] };

/**
 * Which incident is meant: the one that is named or carried, else the channel's own, else the only open one.
 * `over`: for what is done after the end, the newest that is over counts when none is open.
 */
export async function meant(context: CommandContext, request: Request, over = false): Promise<Meant> {
  const named = request.options.incident ?? parseActionValue(request.actionValue).incident;
  if (typeof named === "string") return one(context, await incidentNamed(context, named));
  const here = await incidentHere(context, request);
  if (here !== null) return { kind: "one", incident: here };
  const mayBe = (state: IncidentState) => mayKnow(context, state, request.caller.person);
  const underWay = (await context.incidents.open()).filter(({ state }) => mayBe(state));
  // Planned work stands behind what is broken.
  const incidents = underWay.filter(({ state }) => state.declared?.kind !== "maintenance");
  const open = incidents.length > 0 ? incidents : underWay;
  const [only] = open;
  if (open.length > 1) return { kind: "several", open };
  const unreadable = context.incidents.unreadable();
  // What can't be read may be open too, so no one knows which is meant until it is named.
  if (unreadable.length > 0) return only ? { kind: "several", open } : unsure(unreadable);
  if (only) return { kind: "one", incident: only };
  if (over) for await (const state of context.incidents.all()) if (mayBe(state)) return one(context, state);
  return { kind: "none" };
}

async function one(context: CommandContext, state: IncidentState): Promise<Meant> {
  return { kind: "one", incident: { state, channel: await context.channelOf(state.id) } };
}

function unsure(incidents: readonly string[]): never {
  throw new LifeboatError(brokenTimelines(incidents));
}

/** Not a failure: the question which incident is meant, thrown so that no handler has to pass it on. */
export class Unclear extends Error {
  override readonly name = "Unclear";
  readonly reply: Message;

  constructor(reply: Message) {
    super(reply.text);
    this.reply = reply;
  }
}

/** The incident a request is about. Throws `Unclear` where several could be meant, and a problem where there is none. */
export async function theIncident(context: CommandContext, request: Request, over = false): Promise<IncidentState> {
  const found = await meant(context, request, over);
  switch (found.kind) {
    case "one":
      return found.incident.state;
    case "several":
      throw new Unclear(which(found.open));
    case "none":
      return stop(noIncident(over));
    default:
      return found satisfies never;
  }
}
