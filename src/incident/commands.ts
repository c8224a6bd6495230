import type { Mode, Moves, Plan, System } from "../catalog/types.ts";
import type {
  Actor,
  ApprovedAhead,
  DrillEntry,
  IncidentStatus,
  NewEvent,
  PostedUpdate,
  RecordKind,
  SeverityId,
  SignatureRecord,
} from "./events.ts";
import type { RecentMove } from "./moves.ts";
import type { Refusal } from "./refusal.ts";
import type { Book } from "./triage.ts";

/** What may be asked of an incident, in the imperative. Ids come in from outside: deciding is pure. */
export type IncidentCommand =
  | {
      type: "declare";
      title: string;
      system: string;
      severity: SeverityId;
      kind: RecordKind;
      impactStartedAt: Date | null;
      announceIn: string | null;
      drill?: DrillEntry;
      /** Only its members know of it. */
      private?: true;
    }
  /** `who`: person ids, or Slack user ids of people on no roster. */
  | { type: "addMembers"; who: readonly string[]; reason: string | null }
  /** Maintenance becomes an incident. */
  | { type: "raise"; severity: SeverityId; reason: string | null; announceIn: string | null }
  | { type: "changeSeverity"; to: SeverityId; reason: string | null }
  | { type: "changeStatus"; to: Exclude<IncidentStatus, "resolved" | "closed"> }
  | { type: "assignRole"; role: string; person: string; note: string | null }
  | { type: "note"; text: string; happenedAt: Date | null; link: string | null }
  /** `anyway`: although a move is still on probation. */
  | { type: "resolve"; summary: string | null; anyway?: boolean }
  | { type: "reopen"; reason: string }
  /** `waived`: why there is no post-mortem; null: one was drafted. */
  | { type: "close"; waived: string | null }
  | { type: "draftPostmortem" }
  | { type: "signOff"; statement: string }
  /** `owner`: person id, or Slack user id when not on the roster. `due`: `YYYY-MM-DD`. */
  | { type: "addAction"; text: string; owner: string | null; due: string | null; link: string | null }
  | { type: "doneAction"; action: string; note: string | null }
  | { type: "postUpdate"; update: PostedUpdate }
  /** `due`: the id of what is owed (`cadence.ts`). */
  | { type: "snooze"; due: string; minutes: number }
  | {
      type: "requestRun";
      run: string;
      plan: Plan;
      planHash: string;
      mode: Mode;
      dryRun: boolean;
      announceIn: string | null;
      /** What it moves between sites; absent: nothing. */
      moves?: Moves | null;
      /** Why, though the same was moved shortly before; absent: no one said. */
      again?: string | null;
      /** The run it takes back. */
      failsBack?: string | null;
      /** Moves in other incidents of the system. */
      moved?: readonly RecentMove[];
      /** What people approved of it before its hour; absent or null: nothing. */
      ahead?: ApprovedAhead | null;
    }
  | {
      type: "commit";
      run: string;
      reason: string | null;
      /** Moves in other incidents of the system. */
      moved?: readonly RecentMove[];
    }
  | { type: "pause"; run: string; reason: string | null }
  | { type: "resume"; run: string }
  | { type: "abort"; run: string; reason: string }
  | { type: "retryStep"; run: string; step: string }
  | { type: "skipStep"; run: string; step: string; reason: string }
  | { type: "confirmStep"; run: string; step: string; note: string | null }
  | { type: "approve"; run: string; ask: string }
  | { type: "deny"; run: string; ask: string; reason: string | null }
  /** They opened the list of all steps. */
  | { type: "showSteps"; run: string; ask: string; complete: boolean }
  /** A question to who asks, before deciding. */
  | { type: "question"; run: string; ask: string; text: string }
  | { type: "answer"; run: string; ask: string; text: string }
  /** Why one has denied, after the fact. */
  | { type: "explain"; run: string; ask: string; reason: string }
  /** The next level is asked now. */
  | { type: "escalate"; run: string; ask: string; why: string | null }
  | { type: "delegate"; role: string; to: string; seconds: number; reason: string | null }
  | { type: "endDelegation"; role: string; to: string }
  /** The first time it asks for a second person; from the same person again, when no one came, it goes on alone. */
  | { type: "breakGlass"; run: string; ask: string; reason: string | null }
  | { type: "confirmBreak"; run: string; ask: string }
  | { type: "review"; run: string; ask: string; finding: string }
  /** `triage`: the id of this walk. */
  | { type: "startTriage"; triage: string }
  | { type: "answerTriage"; triage: string; question: string; answer: string; books: readonly Book[] };

/** A decision its author signed with a key of the roster, as it was verified. */
export interface SignedDecision {
  readonly run: string;
  readonly ask: string;
  readonly planHash: string;
  readonly factsHash: string;
  /** The key is a FIDO key that has checked its owner (PIN, fingerprint) for this signature. */
  readonly userVerified: boolean;
  /** What goes onto the timeline, so that anyone can verify it with `ssh-keygen -Y verify`. */
  readonly record: SignatureRecord;
}

/** Who asks, established freshly by the transport, and what the rules are today. */
export interface DecideContext {
  readonly now: Date;
  readonly actor: Actor;
  /** Why this person may do nothing at all (guest, deactivated, outsider, look-up failed), or null. */
  readonly blocked: string | null;
  /** Roster and roles of the incident's system as they are today. */
  readonly system: System;
  /** Slack accounts that read nothing any more: whose they are is named to no one. It decides nothing. */
  readonly unreachable?: ReadonlySet<string>;
  /** The person has just proved again who they are, outside the chat; gates with `stepUp` need it. */
  readonly provedAfresh?: boolean;
  /** The proof is new and counts by the word of this person only. */
  readonly vouchedBy?: string | null;
  /** What they signed; it has to be what is decided. */
  readonly signed?: SignedDecision;
  /** Unique per request that means the same; event keys are made from it. */
  readonly key: string;
}

/** Refusals are events too: who, why, and over which transport. Their words are made from `refusal` where they are written. */
export type Outcome =
  | { readonly kind: "accepted"; readonly events: readonly NewEvent[] }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly events: readonly RefusalEvent[] };

/** A refusal as an event that has no words yet (`says`). */
export type RefusalEvent = Wordless<Extract<NewEvent, { type: "command.refused" | "approval.refused" }>>;
type Wordless<E extends { data: { says: string } }> = E extends unknown
  ? Omit<E, "data"> & { readonly data: Omit<E["data"], "says"> }
  : never;
