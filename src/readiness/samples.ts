import type { Input } from "../catalog/input.ts";
import type { Scalar } from "../catalog/reference.ts";
import type { Runbook } from "../catalog/types.ts";

/**
 * What a proof says of a runbook's inputs, which people say on the night. A choice is proven for each thing that can be chosen, a moment for the
 * first of several that can be restored; what only the night knows can't be proven beforehand.
 */
export type Samples =
  /** Each of `all` has to do; within one, the first of its `tries` that does is enough. */
  | { readonly ok: true; readonly all: readonly { readonly tries: readonly ReadonlyMap<string, Scalar>[] }[] }
  /** Names of inputs that no one can say beforehand. */
  | { readonly ok: false; readonly needs: readonly string[] };

/** Seconds ago. The newest last: a backup has to end before it, and the log has to be archived up to it. */
const MOMENTS = [600, 3600, 60, 20, 86_400] as const;
/** More things to choose than these are not all proven. */
const CHOICES_MAX = 12;

export function samplesOf({ inputs = [] }: Pick<Runbook, "inputs">, now: Date): Samples {
  const open = inputs.filter((input) => input.default === null);
  const needs = open.filter(({ type }) => type === "text" || type === "number");
  if (needs.length > 0) return { ok: false, needs: needs.map(({ name }) => name) };
  const chosen = open
    .filter(({ type }) => type !== "moment")
    .reduce<readonly ReadonlyMap<string, Scalar>[]>((all, input) => product(all, input), [new Map()]);
  const moments = open.filter(({ type }) => type === "moment");
  const tries = moments.length === 0 ? [0] : MOMENTS;
  const withMoments = (values: ReadonlyMap<string, Scalar>, seconds: number) =>
    new Map([...values, ...moments.map(({ name }): [string, Scalar] => [name, momentBefore(now, seconds)])]);
  return {
    ok: true,
    all: chosen
      .slice(0, CHOICES_MAX)
      .map((values) => ({ tries: tries.map((seconds) => withMoments(values, seconds)) })),
  };
}

function product(all: readonly ReadonlyMap<string, Scalar>[], { name, type, choices }: Input) {
  const values: readonly Scalar[] = type === "boolean" ? [true, false] : choices;
  return all.flatMap((one) => values.map((value): ReadonlyMap<string, Scalar> => new Map([...one, [name, value]])));
}

function momentBefore(now: Date, seconds: number): string {
  return `${new Date(now.getTime() - seconds * 1000).toISOString().slice(0, 19)}Z`;
}
