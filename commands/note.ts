import type { Command, Request } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { mayNote } from "../src/command/execute/quota.ts";
import { pastMoment } from "../src/command/parse/fields.ts";
import { momentIn } from "../src/command/parse/moment.ts";
import { no, say, whereOf } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { systemOf } from "../src/command/resolve/system.ts";
import { noted } from "../templates/messages/incident/answers.ts";
import { noteForm } from "../templates/messages/incident/forms.ts";

export const note: Command = {
  verb: "note",
  aliases: ["log"],
  summary: "Add something that happened to the timeline, now or later.",
  usage: "/dr note [--at <time>] [--incident <id>] <what happened…>",
  examples: ["/dr note Provider confirms the outage", "/dr note --at 02:41 First alert came in"],
  everyMember: true,
  checkForm: (context, { form }) => pastMoment(form, "at", context.timeline.now()),
  async handle(context, request) {
    const text = (request.form?.text ?? request.rest).trim();
    const incident = await theIncident(context, request, true);
    if (text === "" && request.form === null && request.canAskForm)
      return { kind: "form", form: noteForm(incident.id) };
    await mayNote(context, request, systemOf(context, incident));
    const happenedAt = when(request, context.timeline.now());
    const link = request.form?.link?.trim() || null;
    const acted = await act(context, request, incident.id, { type: "note", text, happenedAt, link });
    if (acted.kind === "refused") return no(acted.problem);
    return say(noted(await whereOf(context, incident.id), text, happenedAt));
  },
};

function when(request: Request, now: Date): Date | null {
  const words = request.form?.at ?? request.options.at;
  return typeof words === "string" && words.trim() !== "" ? momentIn(words, now) : null;
}
