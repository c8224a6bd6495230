import type { Command, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { act } from "../src/command/execute/act.ts";
import { nameIn, no, say } from "../src/command/reply/say.ts";
import { incidentHere } from "../src/command/resolve/incident.ts";
import { unreviewed } from "../src/incident/break-glass.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { nothingToReview, reviewDue, reviewed, severalToReview } from "../templates/messages/approval/answers.ts";
import { reviewForm } from "../templates/messages/approval/forms.ts";
import { actionValue, parseActionValue } from "../templates/messages/kit/action-value.ts";

export const review: Command = {
  verb: "review",
  aliases: ["glass.review"],
  summary: "Review a break-glass you weren't involved in.",
  usage: "/dr review [<run>] [<what you found…>]",
  examples: ["/dr review", "/dr review It was right; Vera's number was out of date"],
  async handle(context, request) {
    const pressed = parseActionValue(request.actionValue);
    const [word] = request.words;
    const run = pressed.run ?? (word?.startsWith("run-") ? word : undefined);
    const [ask] = pressed.about;
    const all = (await incidents(context, request, run)).flatMap((state) =>
      unreviewed(state).map((due) => ({ state, ...due })),
    );
    const due = all.filter(
      (one) => run === undefined || (one.run.id === run && (ask ?? one.broke.ask) === one.broke.ask),
    );
    const [only] = due;
    if (only === undefined) return say(nothingToReview());
    if (due.length > 1) return say(severalToReview(due.map((one) => ({ run: one.run, reason: one.broke.reason }))));
    const finding = (
      request.form?.finding ?? request.words.slice(request.actionValue === null && run ? 1 : 0).join(" ")
    ).trim();
    const { broke } = only;
    const who = [broke.person, ...(broke.second ? [broke.second] : [])]
      .map((one) => nameIn(context, one))
      .join(" and ");
    if (finding === "" && request.form === null) {
      const what = `${only.run.plan.title} (${only.run.id}): ${broke.reason}`;
      if (request.canAskForm) return { kind: "form", form: reviewForm(actionValue(only.run.id, broke.ask), what) };
      return say(reviewDue(only.run, who, broke.reason));
    }
    const acted = await act(context, request, only.state.id, {
      type: "review",
      run: only.run.id,
      ask: broke.ask,
      finding,
    });
    if (acted.kind === "refused") return no(acted.problem);
    return say(reviewed(only.run, finding));
  },
};

/** The incident of the run that is named, else the one of this channel, else all of them. */
async function incidents(
  context: CommandContext,
  request: Request,
  run: string | undefined,
): Promise<readonly IncidentState[]> {
  const named = run === undefined ? null : await context.incidents.withRun(run);
  if (named !== null) return [named];
  const here = await incidentHere(context, request);
  return here === null ? context.incidents.current() : [here.state];
}
