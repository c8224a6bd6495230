import type { Outbox } from "../../projection/outbox.ts";
import { pacesAt } from "./choose.ts";
import type { Bucket } from "./pace.ts";

/** Edits left to make now. Slack counts them for the whole workspace, so every process of this store spends from one bucket. */
export interface EditBudget {
  look(): Promise<Bucket>;
  /** False: there was none left, or another process was faster. */
  take(urgent: boolean): Promise<boolean>;
}

/** `workspace`: whom Slack counts for, `T…` or `E…`. `rate`: how many times as fast as Slack documents. */
export function createEditBudget(
  outbox: Pick<Outbox, "tokens" | "spend">,
  workspace: () => string,
  rate = 1,
): EditBudget {
  const { edits } = pacesAt(rate);
  const queue = () => `workspace:${workspace()}:edits`;
  return {
    look: async () => ({ tokens: await outbox.tokens(queue(), edits), at: performance.now() }),
    take: (urgent) => outbox.spend(queue(), edits, urgent ? 1 - edits.debt : 1),
  };
}
