import { awaited } from "./awaited.ts";
import { lookUntilFree } from "./blocked.ts";
import { type Action, type Check, defineAction, type ReadContext } from "./contract.ts";
import { nothingToUndo } from "./undo.ts";

/** An action that changes nothing: it holds nothing, and there is nothing to repeat or to undo. */
export function defineRead<I, S>(
  read: Omit<Action<I, S>, "risk" | "repeat" | "resources" | "done" | "apply" | "undo" | "watch">,
): Action<I, S> {
  return defineAction<I, S>({
    ...read,
    risk: "read",
    repeat: "safe",
    resources: () => [],
    done: () => "no",
    undo: nothingToUndo(() => "Looking changes nothing."),
  });
}

interface Look<I, S>
  extends Pick<
    Action<I, S>,
    "id" | "summary" | "input" | "budget" | "load" | "facts" | "controlPlanes" | "goesWithout" | "probation"
  > {
  observe(ctx: ReadContext, input: I): Promise<S>;
  /** What has to be so. */
  checks(seen: S, input: I): readonly Check[];
  /** What was looked at, for the sentence that says what is not so. */
  where(input: I): string;
  /** What was seen, when all is so; left out: what the checks say. */
  says?(seen: S, input: I): string;
}

/** What such an action may be given beside its own: see `awaited.ts`, and how long it may take until it is so. */
interface Timing {
  readonly after?: string | undefined;
  readonly waitSeconds?: number;
}

/** A read whose evidence is that nothing it looks for stands in the way. */
export function defineLook<I extends object, S>({ checks, where, says, ...look }: Look<I, S>): Action<I, S> {
  return defineRead<I, S>({
    ...look,
    ready(seen, given, evidence) {
      const { after, waitSeconds = 0 }: Timing = given;
      return awaited(checks(seen, given), after, evidence, waitSeconds > 0);
    },
    async verify(ctx, given) {
      const { waitSeconds = 0 }: Timing = given;
      const again = () => look.observe(ctx, given);
      const seen = await lookUntilFree(ctx, where(given), waitSeconds, again, (now) => checks(now, given));
      const found = checks(seen, given).map((one) => one.says);
      return { says: says?.(seen, given) ?? found.join(" "), facts: look.facts(seen, given) };
    },
  });
}
