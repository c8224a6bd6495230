import { LifeboatError } from "../../lib/errors.ts";
import type { Action, ReadContext } from "../contract.ts";

/**
 * The same face, where a drill looks at nothing and changes nothing that is not the drill's. Fails closed: who does not say
 * what kind of run this is, or that it is a drill and not what a drill may touch, is refused.
 */
export function withDrillLimits<I, S>(action: Action<I, S>): Action<I, S> {
  const { apply, watch } = action;
  const check = (ctx: ReadContext, input: I, changes: boolean) => refuse(action, ctx, input, changes);
  return {
    ...action,
    async observe(ctx, input) {
      check(ctx, input, false);
      return await action.observe(ctx, input);
    },
    ...(apply && {
      async apply(ctx, input, seen) {
        check(ctx, input, true);
        return await apply(ctx, input, seen);
      },
    }),
    async verify(ctx, input, before, handle) {
      check(ctx, input, false);
      return await action.verify(ctx, input, before, handle);
    },
    ...(watch && {
      watch: {
        ...watch,
        async look(ctx, input) {
          check(ctx, input, false);
          return await watch.look(ctx, input);
        },
      },
    }),
  };
}

function refuse<I, S>(action: Action<I, S>, ctx: ReadContext, input: I, changes: boolean): void {
  const breaks = action.breaks !== undefined;
  if (ctx.kind === "real") {
    if (!(breaks && changes)) return;
    throw new LifeboatError({
      code: "drill-limits",
      where: action.id,
      what: "This step breaks its target on purpose, and this run is no drill",
      stateNow: "Nothing was changed by this step",
      next: "Abort this run; hold it as a drill in a drill environment",
    });
  }
  const touch = {
    action: action.id,
    input,
    changes,
    breaks,
    get resources() {
      return action.resources(input);
    },
  };
  const why =
    ctx.kind === "drill" && ctx.drill
      ? ctx.drill(touch)
      : "It isn't known whether this is a drill, and what a drill may touch.";
  if (why === null) return;
  throw new LifeboatError({
    code: "drill-limits",
    where: action.id,
    what: why,
    stateNow: changes ? "Nothing was changed by this step" : "Nothing was looked at",
    next: "Abort this run; ask for the drill again once its values name the drill environment only",
  });
}
