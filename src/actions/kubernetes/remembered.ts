import type { Check, Evidences, Fact } from "../contract.ts";
import type { JsonOp } from "../kubernetes-client.ts";

/**
 * A value that is changed and remembered, so that a later step can put it back: `kubernetes.scale` and `kubernetes.suspend_cron`. The
 * request that changes the object writes `from>to` on it; the step's evidence holds what was there before; and the step with
 * `restoreFrom` reads the evidence and removes the mark.
 */
export interface Remembered<T> {
  /** The annotation: `lifeboat.dev/replicas-before`. */
  readonly annotation: string;
  /** What the ids of its facts begin with: `replicasBefore:`. */
  readonly found: string;
  isValue(value: Fact["value"]): value is T & Fact["value"];
}

/** What is known of an object's mark. */
export interface Marked {
  readonly annotated: boolean;
  readonly marked: boolean;
}

/** Writes the mark, or removes it where the change is the way back. @param mark `3>0` */
export function noteOps(
  { annotation }: Pick<Remembered<unknown>, "annotation">,
  view: Marked,
  { mark, isWayBack }: { readonly mark: string; readonly isWayBack: boolean },
): readonly JsonOp[] {
  const path = `/metadata/annotations/${annotation.replace("/", "~1")}`;
  if (isWayBack) return view.marked ? [{ op: "remove", path }] : [];
  return view.annotated
    ? [{ op: "add", path, value: mark }]
    : [{ op: "add", path: "/metadata/annotations", value: { [annotation]: mark } }];
}

/** What an earlier step found, by name. One that stood there already is left out: no one knows what it had before. Null: not verified. */
export function rememberedBy<T>(
  { found, isValue }: Remembered<T>,
  evidences: Evidences,
  step: string,
): ReadonlyMap<string, T> | null {
  const evidence = evidences.evidenceOf(step);
  if (!evidence) return null;
  const values = evidence.facts.flatMap(({ id, value }): [string, T][] =>
    id.startsWith(found) && isValue(value) ? [[id.slice(found.length), value]] : [],
  );
  return new Map(values);
}

/** @param value null: it stood there already, or no one saw what was there before */
export function foundFact<T>(
  { found }: Remembered<T>,
  name: string,
  label: string,
  value: (T & Fact["value"]) | null,
): Fact {
  return { id: `${found}${name}`, label, value, material: false };
}

interface Asked {
  readonly restoreFrom?: string | undefined;
  readonly selector?: string | undefined;
}

/** @param evidence what the id of its check ends in, after `evidence.` @param count how many are named; null: the step that knows has not been verified */
export function namedCheck(
  { restoreFrom, selector }: Asked,
  count: number | null,
  { id, evidence, knows, one, many }: Record<"id" | "evidence" | "knows" | "one" | "many", string>,
): Check {
  if (count === null) {
    const says = `Step ${restoreFrom} has to be verified first: it knows ${knows}.`;
    const madeSoBy = { steps: restoreFrom === undefined ? [] : [restoreFrom] };
    return { id: `evidence.${evidence}`, level: "block", ok: false, says, madeSoBy };
  }
  const ok = count > 0 || selector === undefined;
  return { id, level: "block", ok, says: ok ? `${count} ${many} are named.` : `No ${one} has ${selector}.` };
}

export function presentCheck(id: string, one: string, missing: readonly string[]): Check {
  const ok = missing.length === 0;
  const says = ok ? `Every ${one} is there.` : `There is no ${one} ${missing.join(", no ")}.`;
  return { id, level: "block", ok, says };
}
