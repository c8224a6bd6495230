import type { CodeSource, SecondFactor, Verdict } from "../../mfa/second-factor.ts";
import { actorOf, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { WORKSPACE } from "./record.ts";

/** Where a code of this request was typed: wrong ones are counted for each by itself. */
export function sourceOf({ caller }: Pick<Request, "caller">): CodeSource {
  return caller.transport === "cli" ? "cli" : "slack";
}

/** Checks a code; whose it is, is told when it was guessed at until it locked. */
export async function checkCode(
  context: CommandContext,
  mfa: SecondFactor,
  request: Request,
  { holder, code }: { readonly holder: string; readonly code: string },
): Promise<Verdict> {
  const verdict = await mfa.check(holder, code, request.key, sourceOf(request));
  await tellLocked(context, request, [holder], verdict);
  return verdict;
}

/** `person.locked` on the workspace's stream, from where the holder and the announce channel hear of it. */
export async function tellLocked(
  context: CommandContext,
  request: Request,
  people: readonly string[],
  verdict: Verdict,
): Promise<void> {
  if (verdict.ok || verdict.locked === undefined) return;
  const event = {
    type: "person.locked",
    data: { people, from: sourceOf(request), by: request.caller.name, until: verdict.locked.toISOString() },
    key: `${request.key}/person.locked`,
    actor: actorOf(request.caller),
  };
  await context.timeline.decide(WORKSPACE, () => ({ events: [event], value: null }));
}
