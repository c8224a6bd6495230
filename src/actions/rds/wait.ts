import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { awsPlace } from "../aws.ts";
import type { ApplyContext } from "../contract.ts";
import { until } from "../poll.ts";

export const rdsPlace = {
  ...awsPlace,
  /** A change that was accepted shows within this time, or it was not accepted at all. */
  startsWithinSeconds: z.number().min(0.05).max(900).default(120),
};

export const instanceId = z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]{0,62}$/, "has to be an instance identifier");

/** Describe calls show an accepted change only some seconds later: AWS gives no figure, so a generous one, in seconds. */
const SHOWS_WITHIN = 20;

/** Between the look that sees it arrived and the one that confirms it, in milliseconds: people wait for this one. */
const CONFIRM_MS = 750;

/** For changes that RDS accepts a second time while the first does not show yet. */
export const showsLate = {
  showsWithinSeconds: ({ startsWithinSeconds }: { readonly startsWithinSeconds: number }) =>
    Math.min(startsWithinSeconds, SHOWS_WITHIN),
};

export interface Wait<V> {
  readonly what: string;
  readonly given: { readonly pollSeconds: number; readonly startsWithinSeconds: number };
  look(): Promise<V>;
  /** Has it arrived where it should? Asked for two looks in a row, so a status that lags fools no one. */
  arrived(seen: V): boolean;
  /** Has it visibly moved at all? */
  began(seen: V): boolean;
  say(seen: V): string;
}

/** Looks until it has arrived, and stays so for two looks; gives up early when nothing ever began. */
export async function waitFor<V>(ctx: ApplyContext, wait: Wait<V>): Promise<V> {
  const started = performance.now();
  let said = "";
  let began = false;
  let arrivedOnce = false;
  return await until(
    {
      what: wait.what,
      seconds: ctx.budget.failSeconds * 0.95,
      everyMilliseconds: () =>
        Math.min(wait.given.pollSeconds * 1000, arrivedOnce ? CONFIRM_MS : Number.POSITIVE_INFINITY),
      signal: ctx.signal,
      stateNow: () => said,
    },
    async () => {
      const seen = await wait.look();
      const says = wait.say(seen);
      if (says !== said) ctx.progress(says);
      said = says;
      began ||= wait.began(seen);
      if (wait.arrived(seen)) {
        if (arrivedOnce) return seen;
        arrivedOnce = true;
        return null;
      }
      arrivedOnce = false;
      if (!began && performance.now() - started > wait.given.startsWithinSeconds * 1000) {
        throw new LifeboatError({
          code: "never-began",
          what: `${wait.given.startsWithinSeconds} s after AWS was asked, nothing has begun`,
          stateNow: said,
          next: "Look at the instance's events in the console, then retry",
        });
      }
      return null;
    },
  );
}
