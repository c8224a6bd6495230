import { withDeadline } from "../../lib/deadline.ts";
import type { Action, ApplyContext } from "../contract.ts";

const OBSERVE_SECONDS_MAX = 15;

/** The same face, where no call takes longer than the action's own budget says. */
export function withDeadlines<I, S>(action: Action<I, S>): Action<I, S> {
  const { apply } = action;
  return {
    ...action,
    observe: (ctx, input) =>
      withDeadline(
        `${action.id}: looking`,
        Math.min(OBSERVE_SECONDS_MAX, action.budget.failSeconds),
        (signal) => action.observe({ ...ctx, signal }, input),
        ctx.signal,
      ),
    ...(apply && {
      apply: (ctx, input, seen) => bounded(action.id, ctx, (inner) => apply(inner, input, seen)),
    }),
    verify: (ctx, input, before, handle) =>
      bounded(`${action.id}: looking whether it is so`, ctx, (inner) => action.verify(inner, input, before, handle)),
  };
}

function bounded<T>(what: string, ctx: ApplyContext, work: (ctx: ApplyContext) => Promise<T>): Promise<T> {
  return withDeadline(what, ctx.budget.failSeconds, (signal) => work({ ...ctx, signal }), ctx.signal);
}
