import { messageOf } from "../../lib/errors.ts";
import type { Check, ReadContext } from "../contract.ts";

/** The values of the named keys, and what tells this state from another. */
export interface Read {
  readonly values: Readonly<Record<string, string | null>>;
  readonly version: string | null;
}

/** One kind of place. `write` is one effect, of all keys or none, refused when it is no longer what was read. */
export interface Setting {
  readonly name: string;
  /** What a step holds while it changes it. */
  readonly resource: string;
  /** @param toWrite whether the login has to be allowed to write it as well: what is only looked at asks for no more */
  read(
    ctx: ReadContext,
    keys: readonly string[],
    toWrite: boolean,
  ): Promise<Read & { readonly checks: readonly Check[] }>;
  write(ctx: ReadContext, seen: Read, values: Readonly<Record<string, string>>): Promise<"written" | "moved">;
}

export function unreadable(name: string, error: unknown): Check {
  return { id: "setting.readable", level: "block", ok: false, says: `${name} can't be read: ${messageOf(error)}.` };
}
