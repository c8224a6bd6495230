import { z } from "zod";
import type { Check } from "./contract.ts";

/**
 * Drift: what exists and is in no runbook. It stands in no one's way, so its checks only warn; readiness tells them by name. One id for each
 * thing, so that another thing is news.
 */

/** `database/scratch`, `deployment/debug-*`: kind and name, where `*` stands for any letters. */
export const ignored = z
  .array(z.string().regex(/^[a-z][a-z-]*\/[^\s/][^\s]*$/))
  .max(500)
  .default([]);

/** @param things by kind and name: `database/orders`. @param where they are: "orders-a" */
export function unlistedChecks(
  things: readonly string[],
  {
    known,
    ignore,
    where,
  }: { readonly known: ReadonlySet<string>; readonly ignore: readonly string[]; readonly where: string },
): readonly Check[] {
  const patterns = ignore.map(patternOf);
  return things
    .filter((thing) => !known.has(thing) && !patterns.some((pattern) => pattern.test(thing)))
    .map((thing) => ({
      ...{ id: `drift.${thing}`, level: "warn", ok: false },
      says: `${thing} in ${where} is in no runbook.`,
      next: "Add it to one, or to readiness.ignore.",
    }));
}

function patternOf(text: string): RegExp {
  const parts = text.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
