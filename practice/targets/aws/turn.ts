import type { Xml } from "./xml.ts";

/** One request as a service sees it, whatever wire it came over. */
export interface Call {
  readonly region: string;
  readonly operation: string;
  /** Query parameters, JSON body or path parts: what the operation is about. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** The answer, and what changes in the world. They are apart so that a fault can lose the one and keep the other. */
export interface Turn {
  readonly answer: Xml;
  readonly effect?: () => void;
}

export type Operation = (call: Call) => Turn;
