import type { ActionCard, Catalog } from "./types.ts";
import { actionsOf } from "./walk.ts";

/** Nothing is stopped sooner than this, whatever the runbooks hold. */
const LEAST_SECONDS = 30;
/** Usual is not always: a step may take a quarter longer. */
const MARGIN = 1.25;

/** Seconds a stop has to wait so that every step of these runbooks usually ends before it is over. */
export function drainSecondsOf(
  { runbooks }: Pick<Catalog, "runbooks">,
  cards: ReadonlyMap<string, Pick<ActionCard, "budget">>,
): number {
  const typical = runbooks
    .flatMap((runbook) => actionsOf(runbook))
    .map(({ does }) => Math.max(cards.get(does.action)?.budget.typicalSeconds ?? 0, ownLimit(does.with)));
  return Math.ceil(Math.max(LEAST_SECONDS, ...typical.map((seconds) => seconds * MARGIN)));
}

/** What a script may take is said where it is named: no one else knows what is usual for it. */
function ownLimit(given: unknown): number {
  const { script, timeoutSeconds } = (given ?? {}) as { script?: unknown; timeoutSeconds?: unknown };
  return typeof script === "string" && typeof timeoutSeconds === "number" ? timeoutSeconds : 0;
}
