import type { Command, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { nameIn, say, stop } from "../src/command/reply/say.ts";
import { theIncident } from "../src/command/resolve/incident.ts";
import { type Found, findRun } from "../src/command/resolve/run.ts";
import { isLive } from "../src/incident/status.ts";
import { lastEntries, line, planIn } from "../src/report/transcript.ts";
import { plainWords } from "../templates/messages/kit/escape.ts";
import { said } from "../templates/messages/kit/reply.ts";
import { noRun, noSuchStep } from "../templates/messages/run/command-refusals.ts";
import { detailLines, detailsForm } from "../templates/messages/run/details.ts";

/** Entries of the timeline at the end of it. */
const ENTRIES = 12;

export const details: Command = {
  verb: "details",
  aliases: ["run.details"],
  summary: "Show all that is known about a failure: cause, state, what was tried.",
  usage: "/dr details [<run>] [<step>] [--incident <id>]",
  examples: ["/dr details", "/dr details run-4hx8w2pd promote"],
  reads: () => true,
  async handle(context, request) {
    const { state, run, pressed, words } = await runIn(context, request);
    const step = pressed ?? words[0] ?? null;
    if (step !== null && !run.steps.has(step)) return stop(noSuchStep(run.title, step));
    const names = (who: string) => plainWords(nameIn(context, who));
    const events = await context.timeline.read(state.id);
    const about = (event: Pick<(typeof events)[number], "run" | "data">) =>
      event.run === run.id && concerns(event.data, step);
    const entries = lastEntries(events, planIn(state), names, ENTRIES, about).map(line);
    const lines = detailLines(state, run, step, entries);
    return request.canAskForm ? { kind: "form", form: detailsForm(run, lines) } : say(said(lines));
  },
};

function concerns(data: unknown, step: string | null): boolean {
  return step === null || (data as { step?: unknown }).step === step;
}

/** The run a button or a word names; else the live one, or the newest. */
async function runIn(context: CommandContext, request: Request): Promise<Found> {
  const [first = ""] = request.words;
  if (first.startsWith("run-")) return findRun(context, request);
  if (request.actionValue) return findRun(context, request);
  const state = await theIncident(context, request, true);
  const runs = [...state.runs.values()];
  const run = runs.findLast(isLive) ?? runs.at(-1);
  if (run === undefined) return stop(noRun("at all"));
  return { state, run, pressed: null, page: null, words: request.words };
}
