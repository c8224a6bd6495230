import type { Clock, Mode, Moves, Plan, PlanStep } from "../catalog/types.ts";
import type { Problem } from "../lib/errors.ts";
import type { ProcessIdentity } from "../lib/processes.ts";
import type {
  Actor,
  Again,
  ApprovedAhead,
  AskedTriage,
  Concluded,
  DataOf,
  DrillEntry,
  DueKind,
  FiredAlert,
  IncidentStatus,
  PostedUpdate,
  Preflight,
  PrivateEntry,
  ProbationLook,
  RecordKind,
  SeverityId,
  ShownFact,
} from "./events.ts";

/**
 * What is true now, computed from the log by `evolve` and never stored. Each state carries only what is true in it.
 */
export interface IncidentState {
  readonly id: string;
  /** Version of the last event folded in; 0: nothing has happened. */
  readonly version: number;
  readonly declared: Declared | null;
  readonly severity: SeverityId;
  readonly status: IncidentStatus;
  /** role → person id, for roles held in this incident. */
  readonly roles: ReadonlyMap<string, string>;
  /** role → how it came to the one who holds it now. */
  readonly handovers: ReadonlyMap<string, Handover>;
  /** All of them, oldest first; `lentNow` says which hold. */
  readonly delegations: readonly Delegation[];
  readonly resolvedAt: Date | null;
  readonly runs: ReadonlyMap<string, RunState>;
  readonly paging: PagingState;
  readonly comms: CommsState;
  /** Walks through the decision tree, oldest first. Absent: there was none. */
  readonly triages?: readonly TriageState[];
  /** What people call it by (`numbers.ts`). Absent: it has none, or its number stands beside the timeline (older logs). */
  readonly number?: number;
  /** Person ids and Slack user ids that were added to a private incident. Absent: no one was. */
  readonly added?: readonly string[];
  /** Oldest first. Absent: there are none. */
  readonly actions?: readonly ActionItem[];
  /** What everyone who follows it has to know, oldest first. Absent: nothing of it has changed, or only in an older log. */
  readonly changes?: readonly Change[];
  /** When its post-mortem was drafted first. Absent: it was not. */
  readonly draftedAt?: Date;
  /** Versions of the events that say it was drafted, oldest first. Absent: it was not, or only before these were kept. */
  readonly drafts?: readonly number[];
  /** While it is closed: since when, and what was said or done about its channel. */
  readonly closing?: Closing;
  /** Whom it reached because it went on, since it was declared or reopened; oldest first. Absent: no one. */
  readonly escalated?: readonly Escalated[];
  /** When it was recorded that no one had taken it on in time, since it was declared or reopened; absent: it was not. */
  readonly responseLateAt?: Date;
  /** Who vouched for the record once it was over, oldest first. Absent: no one did. */
  readonly signOffs?: readonly SignOff[];
  /** By the id of the alert, in the order they first fired. Absent: none ever did. */
  readonly alerts?: ReadonlyMap<string, AlertState>;
}

export interface ActionItem {
  readonly id: string;
  readonly text: string;
  /** Person id or Slack user id; null: no one has it yet. */
  readonly owner: string | null;
  /** `YYYY-MM-DD`; null: no day was named. */
  readonly due: string | null;
  /** Null: it is about the whole system. */
  readonly component: string | null;
  readonly link: string | null;
  readonly addedAt: Date;
  readonly by: Actor;
  /** Null: it is open. */
  readonly done: { readonly at: Date; readonly by: Actor; readonly note: string | null } | null;
  /** When its owner was told that it is due; null: not yet. */
  readonly remindedAt: Date | null;
}

export interface Change {
  readonly what: "severity" | "status" | "resolved" | "reopened";
  /** A severity or a status. */
  readonly from: string;
  readonly to: string;
  readonly by: Actor;
  readonly at: Date;
  /** Why, or what ended it; null: nothing was said. */
  readonly says: string | null;
}

export interface Closing {
  readonly at: Date;
  /** Why there is no post-mortem; null: one was drafted, or an older log does not say. */
  readonly waived: string | null;
  /** When the channel is archived, as people were told; null: they were not. */
  readonly archiveAt: Date | null;
  readonly archiveDue: boolean;
}

export interface Escalated {
  readonly level: number;
  readonly role: string;
  readonly afterSeconds: number;
  readonly at: Date;
}

export interface SignOff extends DataOf<"record.signedOff"> {
  readonly at: Date;
}

export interface AlertState extends Omit<FiredAlert, "instances" | "asOf"> {
  readonly instances: ReadonlyMap<string, AlertInstance>;
  readonly firstAt: Date;
  /** When the last event about it was recorded. */
  readonly changedAt: Date;
  /** When it began to fire, after none of it did; the last few. */
  readonly starts: readonly Date[];
  /** When the last of its instances was resolved; null: it fires. */
  readonly resolvedAt: Date | null;
  /** What a look found, before what it proposes is offered; null: no one has looked yet. */
  readonly looked: { readonly ok: boolean; readonly says: readonly string[]; readonly at: Date } | null;
}

export interface AlertInstance {
  readonly labels: string;
  readonly firing: boolean;
  readonly asOf: string;
}

export interface TriageState {
  readonly id: string;
  readonly by: Actor;
  readonly at: Date;
  readonly answered: readonly {
    readonly question: string;
    readonly asks: string;
    readonly says: string;
    readonly saw: string | null;
    readonly by: Actor;
  }[];
  /** What is asked now; null: it has come to an end. `unseen`: why no probe answers it. */
  readonly open: (AskedTriage & { readonly unseen: string | null }) | null;
  readonly concluded: Concluded | null;
}

/** What people were told, and what they are owed (`cadence.ts`). */
export interface CommsState {
  /** The declaration or the last reopening. */
  readonly opened: { readonly version: number; readonly at: Date } | null;
  /** The resolution, while it stands. */
  readonly over: { readonly version: number; readonly at: Date; readonly summary: string | null } | null;
  /** Oldest first. */
  readonly updates: readonly UpdateState[];
  /** By the id of what is owed: when someone was last reminded of it. */
  readonly reminded: ReadonlyMap<string, Date>;
  readonly snoozed: ReadonlyMap<string, Date>;
  readonly late: ReadonlyMap<string, { readonly kind: DueKind; readonly dueAt: Date }>;
}

export interface UpdateState extends PostedUpdate {
  readonly by: Actor;
  readonly at: Date;
  readonly version: number;
  /** By channel, for each of `channels`. */
  readonly deliveries: ReadonlyMap<string, Delivery>;
}

export type Delivery =
  | { readonly status: "queued" }
  | { readonly status: "delayed"; readonly since: Date; readonly says: string }
  | { readonly status: "delivered"; readonly at: Date; readonly to: string; readonly says: string | null }
  | { readonly status: "undelivered"; readonly at: Date; readonly says: string };

export interface Handover {
  /** Who held it before, or null. */
  readonly from: string | null;
  readonly by: Actor;
  readonly note: string | null;
  /** How often this role has changed hands. */
  readonly times: number;
}

/** `to` may decide in the place of `from`, for a role and a while. */
export interface Delegation {
  readonly role: string;
  readonly from: string;
  readonly to: string;
  readonly since: Date;
  readonly until: Date;
  readonly reason: string | null;
  /** Given with a second factor: without, it decides nothing where a gate asks for one. */
  readonly proved: boolean;
}

/** Who was woken. Nothing is decided by it: it is shown. */
export interface PagingState {
  /** By the key the pager knows it by, in the order they were sent. */
  readonly pages: ReadonlyMap<string, Page>;
  /** No one could be paged since then; null: the last page went out. */
  readonly failing: { readonly since: Date; readonly problem: Problem } | null;
}

export interface Page {
  readonly ask: string | null;
  /** The role paged last; null: the one who looks after the service. */
  readonly role: string | null;
  readonly people: readonly string[];
  readonly at: Date;
  readonly acknowledged: readonly { readonly person: string | null; readonly name: string; readonly at: Date }[];
  /** Someone answered, and that they were called is not written down yet. */
  readonly early: boolean;
}

export interface Declared {
  readonly title: string;
  readonly system: string;
  readonly kind: RecordKind;
  /** Where it began as maintenance: when it was declared an incident. */
  readonly at: Date;
  readonly by: Actor;
  readonly impactStartedAt: Date | null;
  readonly announceIn: string | null;
  /** The calendar entry it is held by; absent: it is no drill, or one that no entry names. */
  readonly drill?: DrillEntry;
  /** Only its members know of it (`members.ts`); absent: everyone may. */
  readonly private?: PrivateEntry;
}

/**
 * `stopped` means: nothing is being done, and a person has to decide (a step failed or its outcome is unknown).
 */
export type RunStatus =
  | "preflight"
  | "running"
  | "waiting" // for a gate, a manual step or a wait: see the open steps
  | "paused"
  | "stopped"
  | "aborted"
  | "failed"
  | "verified";

export type Ending =
  | { readonly as: "verified" }
  | { readonly as: "aborted"; readonly problem: Problem }
  | { readonly as: "failed"; readonly problem: Problem };

export interface RunState {
  readonly id: string;
  readonly runbook: string;
  readonly title: string;
  readonly plan: Plan;
  readonly planHash: string;
  readonly mode: Mode;
  readonly dryRun: boolean;
  readonly requester: string;
  readonly requestedAt: Date;
  /** What it moves from one site to another; absent: nothing. */
  readonly moves?: Moves;
  /** Why it was requested so soon after another move of the same; absent: it was not soon. */
  readonly again?: Again;
  /** The run it takes back; absent: none. */
  readonly failsBack?: string;
  /** What people approved of it before its hour; absent: nothing. */
  readonly ahead?: ApprovedAhead;
  /** It was approved ahead, and people had to see to it all the same, from then on to its end. Absent: they had not. */
  readonly needed?: true;
  readonly preflight: (Preflight & { readonly at: Date }) | null;
  /** Computed by `statusOf` after every event; nothing sets it by hand. */
  readonly status: RunStatus;
  readonly paused: boolean;
  /** How it ended, or null while it is live. */
  readonly ending: Ending | null;
  readonly endedAt: Date | null;
  /** The engine could not go on; `resume` clears it. */
  readonly stuck: Problem | null;
  /** What it could not go on with before, oldest first; absent: it never was so. */
  readonly wasStuck?: readonly Problem[];
  /** What the look that stopped it found. */
  readonly stuckOn?: readonly ShownFact[];
  /** When it was paused or got stuck, while it stands still; absent: it does not. */
  readonly heldSince?: Date;
  /** Why it stopped, failed or was aborted, in the words recorded. */
  readonly problem: Problem | null;
  /** Gates that were gone past without those who decide; each is reviewed by someone who had no part in it. */
  readonly breaks: readonly Break[];
  /** Two servers took writes after a promotion of this run; oldest first. Absent: never. */
  readonly splits?: readonly Split[];
  /** What it broke as a drill and no step of it ended, oldest first. Absent: nothing. */
  readonly faults?: readonly FaultNote[];
  /** How the new side of a move was seen to be. Absent: no one has looked, or nothing is watched. */
  readonly probation?: Probation;
  /** People said that it stays where it is; absent: they did not. */
  readonly committed?: { readonly by: Actor; readonly at: Date; readonly reason: string | null };
  /** Whether something follows the active side of what was moved; absent: no one has looked. */
  readonly standby?: { readonly streams: boolean; readonly since: Date; readonly says: string };
  /** When machines worked on it, oldest first (`work.ts`): what is over. */
  readonly worked: readonly Span[];
  /** Machines have worked on it since then; null: it waits for people, or has ended. */
  readonly workingSince: Date | null;
  /** By the id of the timed stage, in plan order; those that have not begun are not here. Absent: none has, or there is none. */
  readonly clocks?: ReadonlyMap<string, ClockState>;
  /** In plan order; every step of the plan is here. */
  readonly steps: ReadonlyMap<string, StepState>;
}

export interface Probation extends ProbationLook {
  /** Since when it is so. */
  readonly since: Date;
  /** When the window ended; null: it is open. */
  readonly endedAt: Date | null;
  readonly moved: boolean;
  /** It was recorded as not healthy, now or before. */
  readonly wasUnhealthy: boolean;
  /** Its window had ended when the same was moved again; absent: it had not. */
  readonly wasOver?: true;
}

export interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** How a timed stage keeps its time (`clocks.ts`). */
export interface ClockState {
  readonly clock: Clock;
  readonly startedAt: Date;
  /** When its last step was settled, or the run ended; null: it goes on. */
  readonly endedAt: Date | null;
  /** When it was recorded as late. */
  readonly lateAt: Date | null;
}

export interface FaultNote {
  readonly step: string;
  readonly says: string;
  readonly at: Date;
  /** The bot ended it; false: it stands still. */
  readonly lifted: boolean;
}

export interface Split {
  readonly step: string;
  readonly says: string;
  readonly next: string;
  readonly since: Date;
  /** One of them takes no writes any more; null: both do. */
  readonly over: Date | null;
}

export type StepState = {
  readonly step: PlanStep;
  readonly stage: string;
  /** Attempts started so far. */
  readonly attempts: number;
  /** Attempts that counted before a person said "retry": automatic retries begin again after it. */
  readonly forgiven: number;
  /** What its first attempt recorded as there before it changed anything; absent: it never came to that. */
  readonly origin?: { readonly before: unknown };
  /** The newest process that was started to change something, and when; absent: none was. It may still run, whatever became of the attempt. */
  readonly process?: StepProcess;
} & StepPhase;

export type StepProcess = ProcessIdentity & { readonly since: Date };

export type StepPhase =
  /**
   * `before` is what an earlier attempt recorded, kept across a retry: a toggle must know where it started from. `askedAt` is
   * when the effect was last asked for: it may not show at once.
   */
  | { readonly status: "waiting"; readonly before: unknown; readonly askedAt: Date | null }
  /** Its condition was false, or its stage is not for this run. */
  | { readonly status: "passedOver" }
  | {
      readonly status: "running";
      readonly since: Date;
      readonly epoch: string;
      /** How far the current attempt got: what recovery needs. */
      readonly reached: "started" | "intended" | "applied";
      readonly before: unknown;
      readonly askedAt: Date | null;
      readonly handle: unknown;
      readonly progress: string | null;
    }
  | { readonly status: "open"; readonly since: Date; readonly until: Date | null }
  | { readonly status: "gate"; readonly gate: GateState }
  | {
      readonly status: "done";
      readonly at: Date;
      readonly seconds: number;
      readonly says: string;
      readonly facts: readonly ShownFact[];
      readonly rpo: DataOf<"step.verified">["rpo"];
      readonly startedAt: Date;
    }
  | {
      readonly status: "failed";
      readonly at: Date;
      readonly problem: Problem;
      readonly retryable: boolean;
      readonly before: unknown;
      readonly askedAt: Date | null;
      readonly reached: "started" | "intended" | "applied";
    }
  | {
      readonly status: "stopped";
      readonly at: Date;
      readonly problem: Problem;
      readonly before: unknown;
      readonly askedAt: Date | null;
      readonly handle: unknown;
    }
  | { readonly status: "skipped"; readonly at: Date; readonly reason: string };

export type Summons = Pick<DataOf<"gate.summoned">, "level" | "role" | "people" | "source" | "why">;

/** A gate that has been opened; the newest ask only (earlier ones expired or were voided). */
export interface GateState {
  readonly ask: string;
  readonly step: string;
  readonly openedAt: Date;
  readonly expiresAt: Date;
  readonly planHash: string;
  readonly factsHash: string;
  readonly loss: string;
  /** Servers that can't be fenced, as it shows them; undefined: an older log does not say. */
  readonly unfenced: readonly string[] | undefined;
  readonly role: string;
  readonly quorum: number;
  /** Roles and proof by the catalogue as it was when it was asked, where that asks for more than the plan; absent: the plan's hold. */
  readonly today?: { readonly roles: readonly string[]; readonly stepUp: boolean };
  /** What of the plan the catalogue would not make, as the question shows it; absent: nothing. */
  readonly differs?: readonly string[];
  /** What was approved ahead answers it: no one is asked. Absent: people are. */
  readonly ahead?: true;
  readonly escalate: readonly { readonly role: string; readonly at: Date }[];
  /** How many levels of `escalate` have been asked. */
  readonly level: number;
  /** Who was found to be on call, a level each, where there is a pager to ask. */
  readonly summons: readonly Summons[];
  /** Levels asked after the first, with the moment and, where it was not silence, the reason. */
  readonly risen: readonly { readonly level: number; readonly at: Date; readonly why: string | null }[];
  readonly approvals: readonly Approval[];
  /** Who opened the list of all steps, and whether down to its end; absent: no one. */
  readonly shown?: readonly { readonly person: string; readonly at: Date; readonly complete: boolean }[];
  /** Questions and answers before the decision, oldest first. */
  readonly talk: readonly {
    readonly kind: "question" | "answer";
    readonly person: string;
    readonly at: Date;
    readonly says: string;
  }[];
  /** Person id; null: no one denied it. */
  readonly deniedBy: string | null;
  /** How often those asked were reminded. */
  readonly reminders: readonly { readonly at: Date; readonly roles: readonly string[] }[];
  /** Someone wants to use break-glass and waits for a second person. */
  readonly breaking: Breaking | null;
  readonly broken: Broken | null;
  readonly outcome: "open" | "passed" | "denied" | "expired" | "voided";
  readonly closedAt: Date | null;
  readonly says: string | null;
  /** Who held one of its roles when it was asked; approving also needs the role today. */
  readonly approvers: readonly string[];
  readonly holders: readonly Holder[];
  /** Asks of this gate before this one, oldest first: their buttons are dead. */
  readonly earlier: readonly string[];
  /** The same with what is needed to draw their end. */
  readonly past: readonly PastAsk[];
  /** Why it had to be asked again, in the words recorded; null: this is the first time. */
  readonly because: string | null;
  /** When this gate was requested the first time. */
  readonly firstOpenedAt: Date;
}

export interface Approval {
  readonly person: string;
  readonly role: string;
  readonly at: Date;
  /** Whose place it was given in; null: their own. */
  readonly onBehalfOf: string | null;
  readonly proved: boolean;
  /** By whose word the proof counted; null: by its own age, or there was none. */
  readonly vouchedBy: string | null;
  /** It was given at the command line, where Slack has no say about who someone is. */
  readonly atCommandLine: boolean;
  /** It was given before the run, for the calendar entry's plan; absent: it was given here. */
  readonly ahead?: { readonly at: Date; readonly until: Date };
}

/** Who held a role when it was asked, and the account they were asked at. */
export interface Holder {
  readonly role: string;
  readonly person: string;
  readonly account: string | null;
}

export interface PastAsk {
  readonly ask: string;
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  /** Roles that were asked, the gate's own first. */
  readonly roles: readonly string[];
  readonly approvers: readonly string[];
  readonly holders: readonly Holder[];
  readonly risen: number;
  readonly reminders: number;
  readonly says: string | null;
  /** What was asked and answered while it was open. */
  readonly talk: GateState["talk"];
}

export interface Breaking {
  readonly person: string;
  readonly role: string;
  readonly reason: string;
  readonly at: Date;
  readonly aloneAt: Date;
  readonly atCommandLine: boolean;
  readonly vouchedBy: string | null;
  readonly planHash: string;
  readonly factsHash: string;
}

export interface Broken {
  readonly person: string;
  readonly role: string;
  readonly reason: string;
  readonly at: Date;
  readonly second: string | null;
  readonly alone: string | null;
  /** Both, or the one who went alone, said so at the command line. */
  readonly atCommandLine: boolean;
  readonly until: Date;
  readonly planHash: string;
  readonly factsHash: string;
}

export interface Break extends Broken {
  readonly step: string;
  readonly ask: string;
  readonly review: { readonly person: string; readonly at: Date; readonly finding: string } | null;
}
