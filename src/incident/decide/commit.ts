import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { verifiedMoves } from "../moves.ts";
import { isReplaced, windowEnd } from "../probation.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { mayNotSteer } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

/** For who may steer the run: the commander, who requested it, and who may approve it. */
export function commit(
  command: Extract<IncidentCommand, { type: "commit" }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  const run = state.runs.get(command.run);
  const until = run && windowEnd(run);
  const no = (refusal: Refusal) => refuse(context, "commit", refusal, run?.id ?? null);
  if (!run || !until) return no({ code: "nothing-to-commit" });
  const refusal = mayNotSteer(state, run, context);
  if (refusal !== null) return no(refusal);
  if (run.committed) return no({ code: "committed", run: run.title });
  if (isReplaced(run, [...(command.moved ?? []), ...verifiedMoves(state)]))
    return no({ code: "moved-again", run: run.title });
  const reason = line(command.reason, LIMITS.reason);
  const { healthy = false, says = [] } = run.probation ?? {};
  const early = context.now < until;
  if (reason === null && (!healthy || early))
    return no({ code: "not-proven", run: run.title, runId: run.id, until: healthy ? until : null, says });
  return accept(context, [{ type: "run.committed", data: { reason: healthy && !early ? null : reason } }], run.id);
}
