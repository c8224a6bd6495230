import type { Command } from "../src/command/command.ts";
import { say, stop, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { resent } from "../templates/messages/comms/answers.ts";
import { noBotHere } from "../templates/messages/kit/command-refusals.ts";

export const resend: Command = {
  verb: "resend",
  aliases: [],
  summary: "Try again what Slack, PagerDuty, mail or a status page refused. `/dr status` lists it.",
  usage: "/dr resend [<incident>]",
  examples: ["/dr resend", "/dr resend INC-42"],
  async handle(context, request) {
    const incident = await theIncident(context, request, true);
    if (context.deliveries === undefined) return stop(noBotHere("resend-nowhere"));
    const tried = await context.deliveries.tryAgain(incident.id);
    const where = await whereOf(context, incident.id);
    const by = request.caller.person ?? request.caller.slackUser;
    context.log.info(
      { event: "outbox.retried", incident: incident.id, deliveries: tried, by },
      "deliveries tried again",
    );
    return say(resent(where, tried));
  },
};
