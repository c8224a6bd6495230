import type { Moves, Runbook, System } from "./types.ts";

/** How long the new side is watched where a runbook doesn't say. */
export const PROBATION_SECONDS = 30 * 60;

/** Null where the runbook moves nothing between sites: a rebuild or a look has a direction, and leaves the active side where it is. */
export function movesOf(runbook: Runbook, system: Pick<System, "targets">): Moves | null {
  const { direction, maintenance, mendsSplit, probationSeconds = PROBATION_SECONDS, reprotect } = runbook;
  if (direction === undefined || maintenance || mendsSplit) return null;
  const target = system.targets?.find(({ id }) => id === direction.of);
  return {
    target: direction.of,
    title: target?.title ?? direction.of,
    probationSeconds,
    ...(reprotect && { reprotect }),
  };
}
