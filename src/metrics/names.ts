/** Distinct values a label takes; what comes after them is counted as `other`, so that no catalogue makes series without end. */
const AT_MOST = 250;
const LONGEST = 100;
export const OTHER = "other";

export interface Names {
  /** What stands for this value in the label: itself, or `other`. Always the same for the same value. */
  of(label: string, value: string): string;
  /** A runbook's name is unique in its system only. */
  runbook(system: string, runbook: string): string;
}

/** One for a registry: the first values that are met are kept for as long as the process lives. */
export function createNames(atMost = AT_MOST): Names {
  const known = new Map<string, Set<string>>();

  function isKept(label: string, value: string): boolean {
    const values = known.get(label) ?? new Set();
    known.set(label, values);
    if (!values.has(value) && values.size >= atMost) return false;
    values.add(value);
    return true;
  }

  return {
    of: (label, value) => (isKept(label, short(value)) ? short(value) : OTHER),
    runbook: (system, runbook) =>
      isKept("runbook", JSON.stringify([short(system), short(runbook)])) ? short(runbook) : OTHER,
  };
}

function short(value: string): string {
  return value.length <= LONGEST ? value : `${value.slice(0, LONGEST - 1)}…`;
}
