import { LifeboatError } from "../lib/errors.ts";
import type { Check } from "./contract.ts";

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
