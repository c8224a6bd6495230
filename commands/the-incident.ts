import type { IncidentState } from "../src/incident/state.ts";
import { noIncident } from "../templates/messages/incident/command-refusals.ts";
import { which } from "../templates/messages/incident/situation.ts";
import type { Message } from "../templates/messages/kit/message.ts";
import type { Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { meant } from "./incidents.ts";
import { stop } from "./say.ts";

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
