import { setTimeout as sleep } from "node:timers/promises";
import { LifeboatError } from "../lib/errors.ts";
import type { ApplyContext, Check } from "./contract.ts";

/** For reads, whose evidence is that nothing stands in the way: throws the sentences of every failed blocking check. */
export function refuseBlocked(where: string, checks: readonly Check[]): void {
  const failed = checks.filter((check) => !check.ok && check.level === "block");
  if (failed.length === 0) return;
  throw new LifeboatError({
    code: "check-failed",
    where,
    what: failed.map((check) => check.says).join(" "),
    stateNow: "Nothing was changed by this step",
  });
}

const LOOK_AGAIN_MS = 500;

/** Looks until nothing blocks, for so many seconds: what was just begun is not there at once. What blocks then is thrown. */
export async function lookUntilFree<S>(
  ctx: ApplyContext,
  where: string,
  seconds: number,
  look: () => Promise<S>,
  checksOf: (seen: S) => readonly Check[],
): Promise<S> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    const checks = checksOf(seen);
    const lacking = checks.filter((one) => !one.ok && one.level === "block");
    if (lacking.length === 0) return seen;
    if (performance.now() >= end) refuseBlocked(where, checks);
    ctx.progress(lacking.map((one) => one.says).join(" "));
    await sleep(LOOK_AGAIN_MS, undefined, { signal: ctx.signal });
  }
}
