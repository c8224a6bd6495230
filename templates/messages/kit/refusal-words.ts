import type { Problem } from "../../../src/lib/errors.ts";

/** What a refusal says, without its code: where and what; what is allowed and the state now; what to do next. Not escaped. */
export type Words = Omit<Problem, "code">;

/** Words for every code of these refusals: a code that has none doesn't compile. */
export type WordsOf<R extends { readonly code: string }> = {
  readonly [C in R["code"]]: (facts: Extract<R, { readonly code: C }>) => Words;
};
