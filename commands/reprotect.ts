import type { Command } from "../src/command/command.ts";
import { startRun } from "../src/command/execute/start-run.ts";
import { needsInputs } from "../src/command/parse/inputs.ts";
import { lineFor } from "../src/command/reply/line.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { following, isDrilled, movedRun, movesSince } from "../src/command/resolve/moved-run.ts";
import { isReplaced } from "../src/incident/probation.ts";
import type { RunState } from "../src/incident/state.ts";
import { unknownSystem } from "../templates/messages/incident/command-refusals.ts";
import { actionValue } from "../templates/messages/kit/action-value.ts";
import type { Button } from "../templates/messages/kit/blocks.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import { said } from "../templates/messages/kit/reply.ts";
import {
  hasStandby,
  movedSince,
  noneLeftAlone,
  reprotectElsewhere,
} from "../templates/messages/run/command-refusals.ts";
import { standbyLines } from "../templates/messages/run/probation.ts";

export const reprotect: Command = {
  verb: "reprotect",
  aliases: ["run.reprotect"],
  summary: "Make a standby again after a failover: the runbook the failover names. Proposed until one streams.",
  usage: "/dr reprotect [<run>] [<system>] [--incident <id>]",
  examples: ["/dr reprotect", "/dr reprotect practice"],
  startsRuns: true,
  async handle(context, request) {
    const system = request.words.find((word) => !word.startsWith("run-"));
    if (system !== undefined && !context.catalog.systems.some(({ id }) => id === system))
      return stop(
        unknownSystem(
          system,
          context.catalog.systems.map(({ id }) => id),
          null,
        ),
      );
    const { state, run } = await movedRun(
      context,
      request,
      (one, { declared }) => isLeftAlone(one) && (system === undefined || declared?.system === system),
      noneLeftAlone(),
    );
    if (!isLeftAlone(run)) return stop(hasStandby(run.title));
    if (isReplaced(run, await movesSince(context, run))) return stop(movedSince(run.title));
    const book = context.catalog.runbooks.find(
      ({ id, system: of }) => id === run.moves?.reprotect && of === run.plan.system,
    );
    if (book === undefined) return say(said([...standbyLines(run), ...run.plan.afterwards.map(safe)]));
    const [mode = "planned"] = book.modes;
    const { options, place } = await following(context, request, { state }, isDrilled(run));
    // What is filled in comes back to this channel, and a drill's would make a drill of it.
    if (needsInputs(book) && place !== request.place)
      return stop(reprotectElsewhere(book.title, lineFor(context.catalog, book, mode)));
    const typed = needsInputs(book) ? { verb: "runbook", words: [book.id], wantsForm: true as const } : { words: [] };
    return startRun(context, { ...request, ...typed, options, place, actionValue: null }, book, { mode });
  },
};

/** Nothing followed its active side when it was last looked at. */
function isLeftAlone({ standby, moves, ending }: RunState): boolean {
  return moves !== undefined && ending?.as === "verified" && standby?.streams === false;
}

/** The offer to make a standby, where none streams. */
export function standbyAfter(run: RunState): { readonly says: readonly string[]; readonly buttons: readonly Button[] } {
  const says = standbyLines(run);
  return says.length === 0
    ? { says: [], buttons: [] }
    : {
        says,
        buttons: [{ label: "Reprotect", verb: "run.reprotect", actionValue: actionValue(run.id), style: "primary" }],
      };
}
