import { z } from "zod";
import type { Check, Evidences } from "./contract.ts";

/** The step that brings about what is looked at here: until it is done, nothing of it is expected. */
export const after = z.string().min(1).optional();

/** Until that step is done these checks are left to the start of this one: a preflight can't expect what is still to come. */
export function awaited(
  checks: readonly Check[],
  step: string | undefined,
  evidence: Evidences,
  /** The step waits for it by itself: then nothing has to be so when it starts. */
  waits = false,
): readonly Check[] {
  if (step === undefined || evidence.evidenceOf(step) !== null) {
    return waits ? checks.map((check) => ({ ...check, level: "warn" as const })) : checks;
  }
  return checks.map((check) => ({ ...check, id: `evidence.${check.id}`, madeSoBy: { steps: [step] } }));
}
