import type { Answer } from "../control/protocol.ts";
import { dr } from "./dr.ts";

/** As far as the document of `/dr readiness --json` is read here. */
interface Told {
  readonly systems: readonly { readonly runbooks: readonly { readonly state: string }[] }[];
}

/**
 * `lifeboat dr readiness`, for a scheduler. With --json the exit code says whether every runbook is ready. 0: yes, as far as can be known beforehand;
 * 1: one isn't, or its proof is stale; 2: no answer.
 */
export function readiness(rest: readonly string[]): Promise<number> {
  return dr(["readiness", ...rest], process.env, rest.includes("--json") ? exitOf : undefined);
}

function exitOf({ exit, out }: Answer): number {
  if (exit !== 0) return exit;
  const { systems } = JSON.parse(out) as Told;
  const troubled = systems
    .flatMap(({ runbooks }) => runbooks)
    .filter(({ state }) => ["notReady", "stale"].includes(state));
  return troubled.length === 0 ? 0 : 1;
}
