import type { Fact } from "./contract.ts";

/**
 * What is lost when a copy takes over, as two moments and never as an age: an age grows while people decide although nothing more is
 * being lost. Milliseconds since 1970.
 */
export interface Window {
  /** Of the newest write the copy has; null: no one knows. */
  readonly keptUntil: number | null;
  /** When the old side was last seen to write, or was fenced; null: no one knows, so the amount is unknown. */
  readonly lostUntil: number | null;
  /** Where the first figure is from: "the newest that reached orders-b". */
  readonly origin: string;
  /** Why the amount is unknown: "orders-a does not answer". */
  readonly why: string;
}

/** "about 3.2 s of writes, after 17:53:12 UTC (…)"; "writes after 17:53:12 UTC (…); how many is unknown: …". */
export function sayWindow({ keptUntil, lostUntil, origin, why }: Window): string {
  if (keptUntil === null) return `unknown: ${why}`;
  const after = `after ${clockOf(keptUntil)} (${origin})`;
  const seconds = secondsOf({ keptUntil, lostUntil });
  return seconds === null ? `writes ${after}; how many is unknown: ${why}` : `about ${seconds} s of writes, ${after}`;
}

/** To a tenth of a second; null: not known. */
export function secondsOf({ keptUntil, lostUntil }: Pick<Window, "keptUntil" | "lostUntil">): number | null {
  if (keptUntil === null || lostUntil === null) return null;
  return Math.max(0, Math.round((lostUntil - keptUntil) / 100) / 10);
}

/** `17:53:12 UTC`, with its date where that is not today's. */
export function clockOf(moment: number): string {
  const [day = "", time = ""] = new Date(moment).toISOString().split("T");
  const clock = `${time.slice(0, 8)} UTC`;
  return day === new Date().toISOString().slice(0, 10) ? clock : `${day} ${clock}`;
}

/** `of`: whose data, as in `resources`; several steps that speak of the same data are told once. */
export function lossFact(value: string, of?: string): Fact {
  return { id: "loss", label: "Would be lost", value, material: false, ...(of !== undefined && { of }) };
}
