import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../../src/lib/log.ts";
import type { Writer } from "./servers.ts";

export type { Writer } from "./servers.ts";

/** What one system of the catalogue runs on in practice: real programs where this machine has them, stand-ins where not. */
export interface SystemEnvironment {
  /** What it is made of, for people and for the table of `--all`. */
  readonly parts: readonly Part[];
  /** For `/environment/…` of the practice workspace; false when the path is someone else's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** What the bot needs in its environment to work on it: `LIFEBOAT_VALUES`, endpoints, secrets. */
  environment(): Record<string, string>;
  /**
   * Brings everything to where a runbook begins, whatever was before: healthy and as the system's document describes it,
   * and then what this runbook is for (`unplanned`: what it says is dead is killed). Resolves when the world shows it.
   */
  prepare(runbook: string, mode: "planned" | "unplanned"): Promise<void>;
  /** Everything healthy and as the system's document describes it, whatever was before: where a sequence of runbooks begins. */
  reset(): Promise<void>;
  /** Servers that take a write of the application now, looked at directly. Bounded; never rejects. */
  writers(): Promise<readonly Writer[]>;
  /** True: a customer's transaction by way of the front door succeeds now. Bounded; never rejects. */
  healthy(): Promise<boolean>;
  /** What customers were told is stored, against the server that takes the writes; null: none can be asked. */
  ledger(): Promise<Losses | null>;
  /** People know that these are lost: from now on they are not counted on. */
  writeOff(ids: readonly string[]): Promise<void>;
  /** What someone on the night would say of this runbook's inputs, as they would type it; asked after `prepare`. Absent: none has any. */
  inputs?(runbook: string): Readonly<Record<string, string>>;
  /** What someone does with their own hands when a step of a runbook asks for it; resolves when it is done. */
  byHand?(runbook: string, step: string): Promise<void>;
  /** What each thing in it is now, for the page: asked every second while someone looks, so it is quick and bounded. */
  look?(): Promise<readonly Row[]>;
  /** What can be broken on purpose, in the order the page offers it. */
  readonly injectable?: readonly InjectableFault[];
  /** Does one of `injectable`, by its id; resolves when it is done. */
  inject?(id: string): Promise<void>;
  /** An ES module of its own for the page, `mount(element, base)`, served by `handle`: `/environment/panel.js`. Absent: parts, rows and faults are drawn. */
  readonly panel?: string;
  /** Ends every process it started and removes what it wrote. */
  stop(): Promise<void>;
}

export interface Row {
  /** `orders-db-west` */
  readonly title: string;
  /** A few words: `replica of orders-db-east, 0.2 s behind` */
  readonly state: string;
  /** How it is; `well` if left out. */
  readonly tone?: "well" | "doubtful" | "broken";
}

export interface InjectableFault {
  /** `lose-region` */
  readonly id: string;
  /** What the button says, verb first: `Make the primary region unreachable` */
  readonly title: string;
  /**
   * True: it brings back what was gone, as it was. A server that was the primary takes writes again then, and that is
   * what the next runbook is for.
   */
  readonly returns?: true;
}

/** What was acknowledged, and what of it is missing. */
export interface Losses {
  /** Rows customers were told are stored, without those that were written off. */
  readonly acknowledged: number;
  /** How many of them the serving database lacks. */
  readonly lost: number;
  readonly lostIds: readonly string[];
}

export interface Part {
  /** `PostgreSQL 18, primary and standby` */
  readonly title: string;
  /** The program itself, or something that speaks its protocol. */
  readonly kind: "real" | "stand-in";
}

export interface SystemEnvironmentOptions {
  /** Made if it is not there. Removed again by `stop`. */
  readonly folder: string;
  readonly log: Logger;
}

/** How an environment is had. One a system, listed in `systems.ts`. */
export interface SystemEnvironmentKind {
  /** The folder of the system under `templates/systems`. */
  readonly system: string;
  /** Programs of Debian packages without which it can't run, and the packages that bring them. */
  readonly needs: readonly { readonly program: string; readonly package: string }[];
  create(options: SystemEnvironmentOptions): Promise<SystemEnvironment>;
}
