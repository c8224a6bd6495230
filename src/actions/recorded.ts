import { type ChildEnd, type ChildRule, runChild } from "../lib/child.ts";
import { ownFolder } from "../lib/own-folder.ts";
import type { ApplyContext } from "./contract.ts";

/**
 * Runs a program that changes something. Which process it is stands on the timeline before it begins, so that after a
 * crash no one does the same again beside it.
 */
export async function runRecorded(
  ctx: ApplyContext,
  says: string,
  rule: Omit<ChildRule, "recorded">,
): Promise<ChildEnd> {
  const own = await ownFolder();
  try {
    return await runChild({
      ...rule,
      recorded: {
        folder: own.path,
        async launched(child) {
          await own.usedBy(child);
          await ctx.launched(child, says);
        },
      },
    });
  } finally {
    await own.remove();
  }
}
