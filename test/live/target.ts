import type { Changes } from "./changes.ts";

/** Something Lifeboat acts on, as its contract is held against it: its stand-in by default, the real one where one is given. */
export interface Target {
  readonly id: string;
  readonly title: string;
  /** Environment variables that say where the real one is. The first one decides whether one is given. */
  readonly settings: readonly Setting[];
  /** What `--may-change` has to name, and what is then done to it and nothing else. */
  readonly mayChange: { readonly is: string; readonly does: string };
  /** Programs without which there is no stand-in, and the packages that bring them. */
  readonly needs?: { readonly programs: readonly string[]; readonly packages: readonly string[] };
  standIn(): Promise<StandIn>;
  deals(given: Given): readonly Deal[];
}

export interface Setting {
  readonly name: string;
  readonly says: string;
  /** Left out: it has to be given. */
  readonly otherwise?: string;
}

export interface StandIn {
  /** What the settings are for it, as someone would export them. */
  readonly environment: Readonly<Record<string, string>>;
  /** What of it may be changed. */
  readonly mayChange: string;
  stop(): Promise<void>;
}

export interface Given {
  /** Throws where it was not given and there is no other. */
  setting(name: string): string;
  /** Empty where nothing was given. */
  optional(name: string): string;
  readonly environment: Readonly<Record<string, string>>;
  /** Only loopback is touched, and plain HTTP is spoken to it. */
  readonly practice: boolean;
  /** Null: nothing may be changed, and the deals that change something are only told. */
  readonly mayChange: string | null;
  /** Ends what is in progress: Ctrl-C, or the time limit. What puts back does not listen to it. */
  readonly signal: AbortSignal;
}

/** One thing that has to be true of it. */
export interface Deal {
  readonly says: string;
  /** What it changes, and back; absent: it only looks. */
  readonly changes?: string;
  /** What was seen. Rejects when it does not hold. Says what it is about to change before it does. */
  hold(changes: Changes): Promise<string>;
}

export function insist(ok: boolean, otherwise: string): void {
  if (!ok) throw new Error(otherwise);
}
