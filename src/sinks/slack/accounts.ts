import type { WebClient } from "@slack/web-api";
import { withDeadline } from "../../lib/deadline.ts";
import { callFailureOf } from "./call-failure.ts";

/** Whether an account still reads what is written to it, asked of Slack at most every ten minutes for each. */
export interface Accounts {
  /** Why it doesn't, in Slack's word; null: it does, or Slack could not be asked. */
  closed(user: string): Promise<string | null>;
}

/** Slack's words for an account that reads nothing. @see https://docs.slack.dev/reference/methods/conversations.open */
export const CLOSED_ACCOUNT: ReadonlySet<string> = new Set(["user_disabled", "user_not_found", "user_not_visible"]);
const ASKED_EVERY_MS = 600_000;
const LOOKUP_SECONDS = 3;
const KEPT = 1000;

export function createAccounts(client: WebClient): Accounts {
  const active = new Map<string, number>();
  return {
    async closed(user) {
      if ((active.get(user) ?? Number.NEGATIVE_INFINITY) > performance.now() - ASKED_EVERY_MS) return null;
      try {
        const answer = await withDeadline("Slack's users.info", LOOKUP_SECONDS, () => client.users.info({ user }));
        if (answer.user?.deleted) return "user_disabled";
      } catch (error) {
        const failure = callFailureOf(error);
        return failure.kind === "refused" && CLOSED_ACCOUNT.has(failure.error) ? failure.error : null;
      }
      if (active.size >= KEPT) active.clear();
      active.set(user, performance.now());
      return null;
    },
  };
}
