import { Refusal } from "../../kit/refusal.ts";

type Labels = Readonly<Record<string, string>>;

/** A label selector in query form: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas. */
export function matches(selector: string | null, labels: Labels = {}): boolean {
  if (!selector) return true;
  return selector
    .split(/,(?![^(]*\))/)
    .map((one) => one.trim())
    .every((one) => requirement(one, labels));
}

/** `matchLabels` (and a Service's own selector). An empty one matches nothing, as for a Service. */
export function hasLabels(wanted: Labels | undefined, labels: Labels = {}): boolean {
  const entries = Object.entries(wanted ?? {});
  return entries.length > 0 && entries.every(([key, value]) => labels[key] === value);
}

function requirement(text: string, labels: Labels): boolean {
  const set = /^([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set) {
    const values = (set[3] as string).split(",").map((value) => value.trim());
    return values.includes(labels[set[1] as string] ?? "\0") === (set[2] === "in");
  }
  const equal = /^([\w./-]+)\s*(!=|==?)\s*([\w.-]*)$/.exec(text);
  if (equal) return (labels[equal[1] as string] === equal[3]) === (equal[2] !== "!=");
  const exists = /^(!?)([\w./-]+)$/.exec(text);
  if (exists) return (exists[2] as string) in labels === (exists[1] === "");
  throw new Refusal("BadRequest", `unable to parse requirement: ${text}`, 400);
}
