import { parseArgs } from "node:util";

/** The bot itself, in this process; `src/main.ts` reads the same arguments and goes on from here. */
export async function bot(rest: readonly string[]): Promise<number> {
  parseArgs({ args: [...rest], options: { "no-slack": { type: "boolean" } }, strict: true });
  await import("../main.ts");
  return 0;
}
