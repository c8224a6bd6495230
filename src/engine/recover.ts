import type { Done } from "../actions/contract.ts";
import type { Repeat } from "../catalog/types.ts";

/** What to do about a request of which no one knows whether it arrived, once the world has been looked at. */
export type Recovery = "verify" | "again" | "ask";

/**
 * The one rule for everything unclear: a crash after the intent, an answer that never came, a connection that broke.
 *
 * `done` was asked with the identity the intent recorded, so for a toggle `no` means that it has not moved.
 */
export function recovery(done: Done, repeat: Repeat): Recovery {
  switch (done) {
    case "yes":
      return "verify";
    case "no":
      return repeat === "destructive" ? "ask" : "again";
    case "partial":
    case "unknown":
      return "ask";
    default:
      return done satisfies never;
  }
}
