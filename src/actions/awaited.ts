import { z } from "zod";
import type { Check, Evidences } from "./contract.ts";

/** The step that brings about what is looked at here: until it is done, nothing of it is expected. */
export const after = z.string().min(1).optional();

/** Before that step is done these checks are left to the start of this one: a preflight can not expect what is yet to come. */
export function awaited(checks: readonly Check[], step: string | undefined, evidence: Evidences): readonly Check[] {
  if (step === undefined || evidence.evidenceOf(step) !== null) return checks;
  return checks.map((check) => ({ ...check, id: `evidence.${check.id}` }));
}
