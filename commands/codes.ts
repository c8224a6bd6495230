import type { CodeSource, Proof, Verdict } from "../src/proof/proof.ts";
import { actorOf, type Request } from "./command.ts";
import type { House } from "./house.ts";
import { WORKSPACE } from "./record.ts";

/** Where a code of this request was typed: wrong ones are counted for each by itself. */
export function sourceOf({ caller }: Pick<Request, "caller">): CodeSource {
  return caller.door === "cli" ? "cli" : "slack";
}

/** Checks a code; whose it is, is told when it was guessed at until it locked. */
export async function checkCode(
  house: House,
  proof: Proof,
  request: Request,
  { holder, code }: { readonly holder: string; readonly code: string },
): Promise<Verdict> {
  const verdict = await proof.check(holder, code, request.key, sourceOf(request));
  await tellLocked(house, request, [holder], verdict);
  return verdict;
}

/** `person.locked` on the workspace's stream, from where the holder and the announce channel hear of it. */
export async function tellLocked(
  house: House,
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
  await house.timeline.decide(WORKSPACE, () => ({ events: [event], value: null }));
}
