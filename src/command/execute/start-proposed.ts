import { nothingProposed, runbookGone } from "../../../templates/messages/run/command-refusals.ts";
import type { Concluded } from "../../incident/events.ts";
import type { IncidentState } from "../../incident/state.ts";
import type { Reply, Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { needsInputs } from "../parse/inputs.ts";
import { stop } from "../reply/say.ts";
import { startRun } from "./start-run.ts";

/**
 * Requests what a triage or an alert proposed, like any run: in its incident, with the form where the runbook needs inputs.
 *
 * @param nothing what is said where it isn't proposed, or not in this mode
 */
export async function startProposed(
  context: CommandContext,
  request: Request,
  state: IncidentState,
  proposed: Pick<NonNullable<Concluded["runbook"]>, "id" | "modes"> | null | undefined,
  mode: string,
  by: "alert" | "triage",
): Promise<Reply> {
  const found = proposed?.modes.find((one) => one === mode);
  if (!proposed || found === undefined) return stop(nothingProposed(by));
  const book = context.catalog.runbooks.find(
    ({ id, system }) => id === proposed.id && system === state.declared?.system,
  );
  if (book === undefined) return stop(runbookGone(proposed.id));
  const options = { incident: state.id, [found]: true as const };
  const typed = { verb: "runbook", words: [book.id], options, wantsForm: true as const };
  return startRun(context, { ...request, ...(needsInputs(book) ? typed : { options }) }, book, { mode: found });
}
