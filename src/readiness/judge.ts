import type { Preflight, ReadinessFinding, ReadinessVerdict } from "../incident/events.ts";
import { inFull } from "../incident/findings.ts";
import type { Problem } from "../lib/errors.ts";
import { isDrift } from "./state.ts";

/**
 * What the answers to a request mean for readiness. Pure, and by codes, never by words: that there is nothing to repair is no fault of a plan
 * that repairs.
 */

/** What one proof found. */
export interface Judged {
  readonly verdict: ReadinessVerdict;
  readonly findings: readonly ReadinessFinding[];
}

/** Most findings that are recorded of one proof. */
const FINDINGS_MAX = 10;
const SAYS_MAX = 400;

/** Refusals of a plan that a healthy system has to give. */
const NOT_NEEDED: ReadonlySet<string> = new Set(["nothing-to-rejoin", "direction-there", "direction-conflict"]);

/** No plan could be made. */
export function judgeProblems(problems: readonly Problem[], title: string): Judged {
  return judged(
    problems.map(({ code, where, what }) => ({
      ...{ code, step: null, says: where === undefined || where === title ? what : `${where}: ${what}` },
      notNeeded: NOT_NEEDED.has(code),
    })),
  );
}

/**
 * A plan was made, and its targets were looked at. What only warns a person who reads it is no reason. `beside`: what else keeps it from being
 * ready, which no preflight asks. `notes`: what is told with it, and keeps nothing from being ready.
 */
export function judgePreflight(
  { checks }: Pick<Preflight, "checks">,
  beside: readonly ReadinessFinding[] = [],
  notes: readonly ReadinessFinding[] = [],
): Judged {
  const failed = checks.filter(({ ok, level }) => !ok && level === "block");
  const drift = checks.filter((one) => !one.ok && isDrift({ code: one.id }));
  return judged(
    [
      ...failed.map(({ step, id, says, next, cause, notNeeded = false }) => ({
        ...{ code: id, step, says: withoutStop(cause?.says ?? inFull({ says, next })), notNeeded },
      })),
      ...beside.map((one) => ({ ...one, notNeeded: false })),
    ],
    drift.map((one) => ({ code: one.id, step: one.step, says: withoutStop(inFull(one)) })),
    notes,
  );
}

interface Found extends ReadinessFinding {
  readonly notNeeded: boolean;
}

function judged(found: readonly Found[], ...told: readonly (readonly ReadinessFinding[])[]): Judged {
  const faults = found.filter(({ notNeeded }) => !notNeeded);
  const verdict = found.length === 0 ? "ready" : faults.length === 0 ? "notNeeded" : "notReady";
  const reasons = distinct(faults.length === 0 ? found : faults);
  return { verdict, findings: [...reasons, ...told.flatMap(distinct)] };
}

/** Several steps that find the same say it once. */
function distinct(found: readonly ReadinessFinding[]): readonly ReadinessFinding[] {
  const said = new Map(found.toReversed().map((one) => [one.says, one]));
  return [...said.values()]
    .toReversed()
    .slice(0, FINDINGS_MAX)
    .map(({ code, step, says }) => ({ code, step, says: cut(says) }));
}

function cut(says: string): string {
  return says.length > SAYS_MAX ? `${says.slice(0, SAYS_MAX - 1)}…` : says;
}

function withoutStop(says: string): string {
  return says.endsWith(".") ? says.slice(0, -1) : says;
}

/** The same found again: figures in the words of a step's check may differ, those of a plan hold none. */
export function isSame(one: Judged, other: Judged): boolean {
  const codes = ({ findings }: Judged) =>
    findings.map(({ code, step, says }) => `${step ?? ""}/${code}/${step === null ? says : ""}`).join("\n");
  return one.verdict === other.verdict && codes(one) === codes(other);
}

const WORST: readonly ReadinessVerdict[] = ["notReady", "unprovable", "ready", "notNeeded"];

/** Of several values an input may have, each of which has to do: the worst counts. */
export function worstOf(all: readonly [Judged, ...Judged[]]): Judged {
  return all.reduce((worst, one) => (rank(one) < rank(worst) ? one : worst));
}

/** Of several moments, one of which is enough. */
export function isEnough({ verdict }: Judged): boolean {
  return verdict === "ready" || verdict === "notNeeded";
}

function rank({ verdict }: Judged): number {
  return WORST.indexOf(verdict);
}
