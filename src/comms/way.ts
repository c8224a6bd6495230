import type { Via } from "../incident/events.ts";

/** A way out of the house, beside Slack. Every call ends within its own deadline. */
export interface Way {
  readonly via: Via;
  send(letter: Letter): Promise<Sent>;
}

export interface Letter {
  /** The same for every attempt: the outside may know it by this. */
  readonly key: string;
  readonly content: unknown;
  /** An earlier attempt may have arrived: look first where looking is possible. */
  readonly unsure: boolean;
  /** What the outside called the last thing it was told of this incident. */
  readonly reference: string | null;
}

export type Sent =
  | { readonly how: "delivered"; readonly to: string; readonly reference: string | null; readonly says: string | null }
  /** Not yet. `sure`: it certainly did not arrive. */
  | { readonly how: "later"; readonly sure: boolean; readonly says: string }
  /** The other side read it and will not have it; trying again changes nothing. */
  | { readonly how: "never"; readonly says: string };
