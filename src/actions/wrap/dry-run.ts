import type { Action } from "../contract.ts";

/** The same face, with nothing behind it that could change anything: it looks, and says what it would do. */
export function dryRun<I, S>(action: Action<I, S>): Action<I, S> {
  const { apply: _left, ...rest } = action;
  return {
    ...rest,
    // Held by no one: a dry run may go on beside a real one.
    resources: () => [],
    async verify(ctx, input) {
      const seen = await action.observe(ctx, input);
      const already = action.done(seen, input, null) === "yes";
      const would = action.apply === undefined ? "would look" : already ? "would find it done" : "would do it";
      return { says: `Dry run: ${action.id} ${would}. Nothing was changed.`, facts: action.facts(seen, input) };
    },
  };
}
