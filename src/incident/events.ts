import type { Audience, Mode, Moves } from "../catalog/types.ts";
import type { Problem } from "../lib/errors.ts";
import type { ProcessIdentity } from "../lib/processes.ts";

/**
 * Everything that can have happened, in the past tense. One timeline holds one incident with all its runs; an event of a
 * run carries the run's id in its envelope. Readers ignore types they do not know, so versions can mix.
 */
export type Event =
  | IncidentEvent
  | MemberEvent
  | ChannelEvent
  | ActionEvent
  | RunEvent
  | StageEvent
  | WatchEvent
  | FaultEvent
  | ProbationEvent
  | GateEvent
  | StepEvent
  | PageEvent
  | CommsEvent
  | PersonEvent
  | ServiceEvent
  | CatalogueEvent
  | PolicyEvent
  | SignOffEvent
  | AnchorEvent
  | TriageEvent
  | AlertEvent
  | ReadinessEvent;
export type EventType = Event["type"];
export type DataOf<T extends EventType> = Extract<Event, { type: T }>["data"];

export type SeverityId = "P0" | "P1" | "P2" | "P3";
export type IncidentStatus = "investigating" | "identified" | "mitigating" | "monitoring" | "resolved" | "closed";
/** `calendar`: what the calendar requested in the name of its organiser. */
export type Transport = "slack" | "cli" | "practice" | "calendar";

/** Who did it: always known, never a display name. */
export type Actor =
  | {
      readonly kind: "person";
      readonly person: string | null;
      readonly slackUser: string | null;
      readonly name: string;
      readonly door: Transport;
    }
  | { readonly kind: "bot" };

/**
 * `maintenance`: planned work, such as a switchover, a rebuild or a look. It has no severity (what stands there means nothing), no
 * channel, no page and no cadence, and ends with its run.
 */
export type RecordKind = "real" | "drill" | "maintenance";

export interface DrillEntry {
  readonly occasion: string;
  /** Roles. */
  readonly tells: readonly string[];
  readonly audiences: readonly Audience[];
  /** A surprise: only who starts it and `tells` know. */
  readonly unannounced: boolean;
}

/** It is posted where the incident is followed. Absent in older logs: then it was shown on the card alone, and is not posted now. */
export interface Posted {
  readonly posted?: true;
}

export type IncidentEvent =
  | {
      type: "incident.declared";
      data: {
        title: string;
        system: string;
        severity: SeverityId;
        kind: RecordKind;
        /** When users began to hurt, if known: RTO counts from here, else from the declaration. ISO 8601. */
        impactStartedAt: string | null;
        /** The channel the words were typed in, for the announcement. */
        announceIn: string | null;
        /** The calendar entry a drill is held by: whom it names is told and paged, and no one else. Absent: none. */
        drill?: DrillEntry;
        /** What people call it by (`numbers.ts`): unique in the store, given in the transaction that declared it. Absent in older logs. */
        number?: number;
        /** Only its members know of it (`members.ts`). Absent: everyone in the workspace may. */
        private?: PrivateEntry;
      };
    }
  /** Maintenance that went wrong is an incident from here on, with everything that is on its timeline. */
  | { type: "incident.raised"; data: { severity: SeverityId; reason: string | null; announceIn: string | null } }
  | { type: "incident.severityChanged"; data: Posted & { from: SeverityId; to: SeverityId; reason: string | null } }
  | { type: "incident.statusChanged"; data: Posted & { from: IncidentStatus; to: IncidentStatus } }
  | { type: "incident.roleAssigned"; data: { role: string; person: string; note: string | null } }
  /** For a while, someone decides in the place of a holder of the role. */
  | {
      type: "incident.roleDelegated";
      /** `proved`: who delegates had just proved who they are, by no one's word. Absent: they had not, or an older log does not say. */
      data: { role: string; from: string; to: string; until: string; reason: string | null; proved?: true };
    }
  | { type: "incident.delegationEnded"; data: { role: string; from: string; to: string } }
  | { type: "incident.noted"; data: { text: string; happenedAt: string | null; link: string | null } }
  /** It goes on, and the next level is reached. `level`: 1 for the first; `afterSeconds`: since it was declared or reopened. */
  | { type: "incident.escalated"; data: { level: number; role: string; afterSeconds: number } }
  /** No one took it on within the time its severity promises. */
  | { type: "incident.responseLate"; data: { severity: SeverityId; withinSeconds: number; dueAt: string } }
  | { type: "incident.resolved"; data: Posted & { summary: string | null } }
  | { type: "incident.reopened"; data: Posted & { reason: string } }
  /** `waived`: why there is no post-mortem. Absent: one was drafted, or an older log does not say. */
  | { type: "incident.closed"; data: { waived?: string } }
  | { type: "postmortem.drafted"; data: { title: string } }
  | { type: "command.refused"; data: { verb: string; code: string; says: string } };

/** Roles whose holders on today's roster are members from the start. */
export interface PrivateEntry {
  readonly roles: readonly string[];
}

/** Who may know of a private incident. `who`: person ids, or Slack user ids of people on no roster. */
export type MemberEvent = { type: "member.added"; data: { who: readonly string[]; reason: string | null } };

/** What becomes of the incident's own channel once the incident is closed. */
export type ChannelEvent =
  /** People were told that the channel is archived at this moment. ISO 8601. */
  | { type: "channel.archiveAnnounced"; data: { at: string } }
  /** From now on it is to be archived. */
  | { type: "channel.archiveDue"; data: Record<string, never> };

/** Follow-up work that an incident leaves. `action`: unique in the timeline, `A1`, `A2` … */
export type ActionEvent =
  | {
      type: "action.added";
      data: {
        action: string;
        text: string;
        /** Person id, or Slack user id when not on the roster; null: no one has it yet. */
        owner: string | null;
        /** The day it is due, `YYYY-MM-DD`; null: no day was named. */
        due: string | null;
        /** The component it is about; null: the whole system. */
        component: string | null;
        /** Where it is tracked; null: here alone. */
        link: string | null;
      };
    }
  | { type: "action.done"; data: { action: string; note: string | null } }
  /** Its owner was told that it is due, once. */
  | { type: "action.reminded"; data: { action: string } };

export type RunEvent =
  | {
      type: "run.requested";
      data: {
        runbook: string;
        title: string;
        planHash: string;
        mode: Mode;
        dryRun: boolean;
        /** Person id (or Slack user id when not on the roster) who may never approve this run. */
        requester: string;
        /** Message the person typed under, when the run was requested inside a thread. */
        announceIn: string | null;
        /** What it moves from one site to another. Absent: nothing, or an older log does not say. */
        moves?: Moves;
        /** Why it was requested so soon after another move of the same. Absent: it was not soon. */
        again?: Again;
        /** The run it takes back: of the same runbook, in the other direction. Absent: it takes none back. */
        failsBack?: string;
        /** What people approved of it before its hour. Absent: it is approved like any other. */
        ahead?: ApprovedAhead;
      };
    }
  | { type: "run.preflighted"; data: Preflight }
  | { type: "run.paused"; data: { reason: string | null } }
  | { type: "run.resumed"; data: Record<string, never> }
  /** Nothing new starts; what is under way finishes or is stopped; `stateNow` says what remains changed. */
  | { type: "run.aborted"; data: { reason: string; stateNow: string } }
  /** Every step is done and was seen to be. */
  | { type: "run.verified"; data: { dryRun: boolean } }
  /** After a probation window: it stays where it is. `reason`: why, though the new side was not healthy; null: it was. */
  | { type: "run.committed"; data: { reason: string | null } }
  /** It ended without reaching its goal. */
  | { type: "run.failed"; data: { problem: Problem } }
  /** The engine itself could not go on; a person is needed. */
  | {
      type: "run.stuck";
      data: { problem: Problem /** What a look found, where one did. */; facts?: readonly ShownFact[] };
    };

/** That people approved exactly this plan ahead, as the calendar's record (`cal-<system>`) had it when the run was requested. */
export interface ApprovedAhead {
  /** The entry of the calendar. */
  readonly occasion: string;
  readonly approvals: readonly ApprovalAhead[];
}

export interface ApprovalAhead {
  readonly person: string;
  readonly role: string;
  /** When it was given, and the first moment at which it holds no more. ISO 8601. */
  readonly at: string;
  readonly until: string;
  readonly proved: boolean;
  readonly vouchedBy: string | null;
  /** The event of the calendar's stream that holds it. */
  readonly version: number;
}

/** The same was moved shortly before. `movedAt`: ISO 8601. */
export interface Again {
  readonly reason: string;
  readonly movedAt: string;
}

/** A stage that says how long it should take has taken longer. Nothing stops because of it. */
export type StageEvent = {
  type: "stage.late";
  data: {
    /** The id of its clock in the plan. */
    stage: string;
    withinSeconds: number;
    dueAt: string;
  };
};

/** After a promotion its old primary is looked at for a while, also when the run is long over. */
export type WatchEvent =
  /** Two servers take writes. `next`: what has to be done about it. */
  | { type: "split-brain.seen"; data: { step: string; says: string; next: string } }
  /** One of them does not any more. */
  | { type: "split-brain.over"; data: { step: string } };

/** What a drill broke, where no step of its run ended it. */
export type FaultEvent =
  /** The bot ended it. `says`: what was seen. */
  | { type: "fault.lifted"; data: { step: string; says: string } }
  /** It stands still: people end it. `says`: why the bot could not, or may not. */
  | { type: "fault.remains"; data: { step: string; says: string } };

/** What came of a move once its run was verified, until people commit to it and a standby follows again. */
export type ProbationEvent =
  /** The new side of a move, at the first look and whenever it became healthy or stopped being so. */
  | { type: "probation.changed"; data: ProbationLook }
  /** The window is over. `moved`: the same was moved again, so there is nothing to watch any more. */
  | { type: "probation.ended"; data: ProbationLook & { moved: boolean } }
  /** Nothing of what was moved follows the active side: at the first look, and whenever that came about. */
  | { type: "standby.missing"; data: { says: string } }
  /** A standby follows the active side again. */
  | { type: "standby.streams"; data: { says: string } };

export interface ProbationLook {
  readonly healthy: boolean;
  /** What is wrong, a clause each; empty: nothing. */
  readonly says: readonly string[];
  /** Checks since the window opened, as far as the process that wrote it made them, and how many failed. */
  readonly asked: number;
  readonly failed: number;
}

export interface Preflight {
  readonly ready: boolean;
  /** SHA-256 over the material facts: what an approval binds to, with the plan's hash. */
  readonly factsHash: string;
  readonly facts: readonly ShownFact[];
  readonly checks: readonly ShownCheck[];
  /** "nothing", "about 3 s of writes", "unknown: the primary does not answer". */
  readonly loss: string;
}
export interface ShownFact {
  readonly step: string;
  readonly id: string;
  readonly label: string;
  readonly value: string | number | boolean | null;
  readonly material: boolean;
  /** Whose data a `loss` speaks of; absent: only this step knows. */
  readonly of?: string;
}
export interface ShownCheck {
  readonly step: string;
  readonly id: string;
  readonly ok: boolean;
  readonly level: "block" | "warn";
  readonly says: string;
  /** What to do about it, of a failed check. Absent: nothing of its own, or an older log has it in `says`. */
  readonly next?: string;
  /** Why it failed, where several checks fail of one cause (`checks.ts`); absent: what it says is all. */
  readonly cause?: { readonly id: string; readonly says: string };
  /** It failed because what the step repairs is healthy. Absent: no, or an older log does not say. */
  readonly notNeeded?: true;
}

export type GateEvent =
  | {
      type: "gate.opened";
      data: {
        step: string;
        /** Random, single use: what the buttons carry and all they carry. */
        ask: string;
        planHash: string;
        factsHash: string;
        loss: string;
        /** Servers that can't be fenced, as the question shows them: who approves accepts that. Absent in older logs. */
        unfenced?: readonly string[];
        /** Pinned: the stricter of this and today's policy applies. */
        role: string;
        quorum: number;
        expiresAt: string;
        escalate: readonly { role: string; at: string }[];
        /** Person ids who held one of these roles when it was asked: no one added later may approve. */
        approvers: readonly string[];
        /** Where the catalogue asked for more than the plan when it was asked: the roles that decide, and whether they prove who they are. */
        today?: { roles: readonly string[]; stepUp: boolean };
        /** What of the plan today's catalogue would not make, as the question shows it: who approves accepts that. Absent: nothing. */
        differs?: readonly string[];
        /** It is answered in the same transaction by what was approved ahead: no one is asked. Absent: people are. */
        ahead?: true;
        /** Who held which of these roles then, and the account they were asked at; absent in older logs. */
        holders?: readonly { role: string; person: string; account: string | null }[];
      };
    }
  /** `why`: someone wanted it, or no one of the levels before can answer; null or absent: silence. */
  | { type: "gate.escalated"; data: { step: string; ask: string; level: number; role: string; why?: string | null } }
  /** No one has answered yet, and those asked are asked again. `roles`: the levels asked so far. */
  | { type: "gate.reminded"; data: { step: string; ask: string; count: number; roles: readonly string[] } }
  /** Someone wants to know more before they decide. */
  /** Someone opened the list of all steps; `complete`: down to its last page. */
  | { type: "gate.shown"; data: { step: string; ask: string; person: string; planHash: string; complete: boolean } }
  | { type: "gate.asked"; data: { step: string; ask: string; person: string; question: string } }
  | { type: "gate.answered"; data: { step: string; ask: string; person: string; answer: string } }
  /** Why it was denied, told after the denial by the one who denied it. */
  | { type: "gate.explained"; data: { step: string; ask: string; person: string; reason: string } }
  /** Who of a role is on call now, and who says so. It tells whom to wake; it gives no one authority. */
  | {
      type: "gate.summoned";
      data: {
        step: string;
        ask: string;
        /** 0: the gate's own role; then the escalation's, as they are asked. */
        level: number;
        role: string;
        /** Person ids; all of them hold the role on the roster. */
        people: readonly string[];
        source: "pagerduty" | "roster";
        /** Why it is the roster, or who was left out. */
        why: string | null;
      };
    }
  | {
      type: "gate.approved";
      data: {
        step: string;
        ask: string;
        person: string;
        role: string;
        planHash: string;
        factsHash: string;
        /** Whose place it was given in, by delegation. */
        onBehalfOf?: string | null;
        /** Who it was had just been proved once more, outside the chat. */
        proved?: boolean;
        /** By whose word the proof counted, where it was new. */
        vouchedBy?: string | null;
        /** Who approved signed exactly this, at the command line. */
        signed?: SignatureRecord;
        /** It was given before the run, for the entry of the calendar: `version` names the event there. Absent: it was given here. */
        ahead?: { occasion: string; at: string; until: string; version: number };
      };
    }
  | {
      type: "gate.denied";
      data: {
        step: string;
        ask: string;
        person: string;
        role: string;
        reason: string | null;
        signed?: SignatureRecord;
      };
    }
  /** No one who may decide can be reached: someone wants to go past the gate, and a second person is waited for. */
  | {
      type: "gate.breakAsked";
      data: {
        step: string;
        ask: string;
        person: string;
        role: string;
        reason: string;
        planHash: string;
        factsHash: string;
        /** From here on the first may go on alone. */
        aloneAt: string;
        vouchedBy?: string | null;
      };
    }
  /** Break-glass was used: the gate counts as approved for this ask, until then, and someone else has to review it. */
  | {
      type: "gate.broken";
      data: {
        step: string;
        ask: string;
        person: string;
        role: string;
        reason: string;
        second: string | null;
        /** Why there is no second person, or null. */
        alone: string | null;
        planHash: string;
        factsHash: string;
        until: string;
      };
    }
  /** Someone who had no part in it has looked at a break-glass. */
  | { type: "gate.reviewed"; data: { step: string; ask: string; person: string; finding: string } }
  | { type: "gate.expired"; data: { step: string; ask: string } }
  /** The approval no longer holds (plan or facts changed, an approver is no longer valid); it is asked again. */
  | { type: "gate.voided"; data: { step: string; ask: string; why: string } }
  /**
   * Quorum was there when the covered steps were cleared to start. `withoutSlack`: whose account Slack could not be asked about, and what
   * counted in place of its answer.
   */
  | {
      type: "gate.passed";
      data: {
        step: string;
        ask: string;
        people: readonly string[];
        withoutSlack?: readonly { readonly person: string; readonly instead: string }[];
      };
    }
  | {
      type: "approval.refused";
      data: { step: string; ask: string; who: string; decision: "approve" | "deny"; code: string; says: string };
    };

/** A signature as `ssh-keygen -Y verify -n lifeboat` takes it. */
export interface SignatureRecord {
  /** Fingerprint of the key, `SHA256:…`. */
  readonly key: string;
  /** The signed bytes: canonical JSON. */
  readonly statement: string;
  readonly signature: string;
}

/** What is known of a person across incidents; it stands in the workspace's own stream. */
export type PersonEvent =
  /** `people`: `<system>/<person>`. `countsFrom`: until then it proves nothing unless someone vouches; null: it counts at once. */
  | {
      type: "person.enrolled";
      data: { people: readonly string[]; method: string; replaced?: boolean; countsFrom?: string | null };
    }
  /** Someone who can prove who they are said that it is really them. */
  | { type: "person.vouched"; data: { people: readonly string[]; by: string } }
  /** Wrong codes, one too many: from there none counts until then. `by`: who was there, as far as it is known. */
  | {
      type: "person.locked";
      data: { people: readonly string[]; from: "slack" | "cli"; by: string; until: string };
    };

/** What happened to the installation itself; it stands in the workspace's own stream. */
export type ServiceEvent =
  /** A bot that doesn't speak to Slack was started by this operating system's user, who holds the service's authority. */
  { type: "bot.startedWithoutSlack"; data: { user: string; host: string } };

/** The files of a system were read, and they differ from what was read before; it stands in the workspace's own stream. */
export type CatalogueEvent = {
  type: "catalogue.changed";
  data: {
    system: string;
    /** Of the facts, before and now; `from` null: it was read for the first time. */
    from: string | null;
    hash: string;
    /** What changed, a clause each. `person`: whom it is about. */
    says: readonly { person: string | null; says: string }[];
    by: "start" | "files" | "signal" | "command";
    /** What authority hangs on (`src/catalog/changes.ts`), so that the next reading can be compared; of a system that is gone, nothing. */
    facts: {
      readonly people: readonly { readonly person: string; readonly roles: string; readonly accounts: string }[];
      readonly rest: Readonly<Record<string, string>>;
    };
  };
};

/**
 * What a system promises and demands, whole, whenever it changed (`src/catalog/policy.ts`): what a report on the past is read against. It stands in a
 * stream of the system's own, `pol-<system>`.
 */
export type PolicyEvent = {
  type: "policy.recorded";
  data: { system: string; policy: unknown };
};

/** Someone vouches for a record that is over, as it stood then: evidence for the one who audits it. */
export type SignOffEvent = {
  type: "record.signedOff";
  data: {
    /** Person id. */
    person: string;
    /** Their roles of that day's roster. */
    roles: readonly string[];
    /** What they attest, in their words. */
    statement: string;
    /** The last event it covers. */
    version: number;
    /** Who it was had just been proved once more, outside the chat. */
    proved?: boolean;
  };
};

/** Heads of all timelines, put where the operator of the store can't change them alone. It stands in the stream `anchors`. */
export type AnchorEvent =
  /** `statement`: canonical JSON that names the heads and the checkpoint before; `sha256`: of it, what is placed outside. */
  | {
      type: "checkpoint.made";
      data: { checkpoint: number; sha256: string; statement: string; key: string; signature: string };
    }
  /** A place took it. `receipt`: where it is to be found there, or the token it answered with (`docs/evidence.md`). */
  | { type: "anchor.placed"; data: { checkpoint: number; sha256: string; place: string; receipt: AnchorReceipt } }
  /** A place did not take it, and isn't asked again for this checkpoint. */
  | { type: "anchor.refused"; data: { checkpoint: number; sha256: string; place: string; says: string } };

export interface AnchorReceipt {
  /** Where it is to be found: a channel, addresses, a bucket and key, the address of an authority. */
  readonly at: string;
  /** What the place calls it: a message's id, an object's version. */
  readonly reference: string | null;
  /** RFC 3161: the response, DER in base64. */
  readonly token?: string;
}

/**
 * What proofs of readiness found; it stands in the stream `rdy-<system>`, of which nothing else is written. Only changes are recorded: a proof
 * that found what the last one found leaves no event.
 */
export type ReadinessEvent =
  | {
      type: "readiness.changed";
      data: {
        system: string;
        runbook: string;
        title: string;
        mode: Mode;
        /** Null: it was never proven before. */
        from: ReadinessVerdict | null;
        to: ReadinessVerdict;
        /** Why it isn't ready, isn't needed, or can't be proven; at most 10. Empty: it is ready. */
        findings: readonly ReadinessFinding[];
        /** Of everything the proof is about: runbook, values, actions, version of Lifeboat. */
        digest: string;
        /** The way it would go now, by titles of sites; absent: it moves nothing between sites. */
        way?: { from: string; to: string };
        /** Roles whose holders were told in the channel. Absent: no one was. */
        tells?: readonly string[];
        /** Nothing proved it between this moment and now, though it was due: what was so meanwhile is not known. ISO 8601. Absent: no gap. */
        unprovenSince?: string;
      };
    }
  /** Once a week, how everything stands. `week`: `2026-W49`, ISO 8601. */
  | {
      type: "readiness.reported";
      data: {
        system: string;
        week: string;
        ready: number;
        notReady: readonly { runbook: string; title: string; mode: Mode; since: string; says: string }[];
        stale: number;
        neverProven: number;
        /** What exists and is in no runbook, and what has to be put right about people, a clause each; absent: nothing, or no one looked. */
        drift?: readonly string[];
        people?: readonly string[];
      };
    };

/**
 * - `ready`: its preflight passes.
 * - `notNeeded`: it is refused rightly, because what it repairs is healthy.
 * - `notReady`: a request for it would be refused now.
 * - `unprovable`: it needs something that only the night knows.
 */
export type ReadinessVerdict = "ready" | "notNeeded" | "notReady" | "unprovable";

export interface ReadinessFinding {
  /** Stable: of the plan's problem, or the check's id. */
  readonly code: string;
  /** Id of the step that found it; null: no plan could be made. */
  readonly step: string | null;
  readonly says: string;
}

/** People were woken, or could not be. `page` is the key PagerDuty knows it by; `ask` the question it is about, if any. */
export type PageEvent =
  | {
      type: "page.sent";
      data: {
        page: string;
        ask: string | null;
        role: string | null;
        /** Person ids paged by name; empty where the pager itself knows who is on call. */
        people: readonly string[];
        to: "policy" | "people" | "service";
      };
    }
  /** Once per outage: it is tried on, and the next `page.sent` says that it is over. */
  | { type: "page.failed"; data: { page: string; ask: string | null; role: string | null; problem: Problem } }
  | {
      type: "page.acknowledged";
      data: { page: string; ask: string | null; person: string | null; name: string; happenedAt: string };
    };

/** People were told, or are owed a word. */
export type CommsEvent =
  | { type: "update.posted"; data: PostedUpdate }
  /** `to`: "2 addresses", a link; `says`: what was out of the ordinary. */
  | { type: "update.delivered"; data: { update: string; via: Via; to: string; says: string | null } }
  /** Once per channel of an update: it could not be brought yet, and is tried on. */
  | { type: "update.delayed"; data: { update: string; via: Via; says: string } }
  /** The other side will never take it: a person has to do something. */
  | { type: "update.undelivered"; data: { update: string; via: Via; says: string } }
  | { type: "comms.reminded"; data: { due: string; kind: DueKind; dueAt: string } }
  | { type: "comms.snoozed"; data: { due: string; kind: DueKind; until: string } }
  /** What was promised by then was not said by then. */
  | { type: "comms.late"; data: { due: string; kind: DueKind; dueAt: string } };

export type Moment =
  | "initial"
  | "progress"
  | "escalation"
  | "approval-requested"
  | "failover-starting"
  | "degraded"
  | "resolution"
  | "postmortem"
  | "drill-announcement"
  | "drill-result";

export type DueKind = "firstNotice" | "update" | "resolution" | "postmortem";

/** Ways an update leaves the bot beside Slack, which shows what the timeline holds. */
export type Via = "email" | "page" | "statuspage";

export type ComponentStatus = "operational" | "degraded_performance" | "partial_outage" | "major_outage";

/** An update as its readers get it: rendered, each channel's own escaping done. */
export interface PostedUpdate {
  readonly update: string;
  readonly template: string;
  readonly title: string;
  readonly audience: Audience;
  readonly moment: Moment;
  /** What the person filled in. */
  readonly fields: Readonly<Record<string, string>>;
  readonly channels: readonly Via[];
  /** `places`: `incident`, `announce` or a channel's id. */
  readonly slack: { readonly text: string; readonly places: readonly string[] } | null;
  /** Addresses stand in the catalogue and not on the timeline. */
  readonly email: {
    readonly subject: string;
    readonly text: string;
    readonly html: string;
    readonly recipients: number;
  } | null;
  readonly page: {
    readonly name: string;
    readonly body: string;
    readonly status: "investigating" | "identified" | "monitoring" | "resolved";
    readonly impact: "none" | "minor" | "major" | "critical";
    /** Components of the system that are known to be touched, and how they are now. */
    readonly components: readonly { readonly component: string; readonly status: ComponentStatus }[];
  } | null;
}

export type StepEvent =
  | { type: "step.started"; data: { step: string; attempt: number; epoch: string } }
  /** What was there before, written before the effect: the intent with its "from" identity. */
  | { type: "step.intended"; data: { step: string; attempt: number; before: unknown } }
  /** The target accepted the request. Not yet evidence. */
  | { type: "step.applied"; data: { step: string; attempt: number; handle: unknown } }
  /** `process`: what is about to change something, recorded before it does. */
  | { type: "step.progressed"; data: { step: string; attempt: number; says: string; process?: ProcessIdentity } }
  | {
      type: "step.verified";
      data: {
        step: string;
        attempt: number;
        says: string;
        facts: readonly ShownFact[];
        /** `keptUntil`: commit time of the newest write that was kept; absent: not known, or an older log. */
        rpo: {
          subject: string;
          seconds: number | null;
          rows: number | null;
          method: string;
          keptUntil?: string;
        } | null;
        seconds: number;
      };
    }
  | {
      type: "step.failed";
      data: { step: string; attempt: number; problem: Problem; retryable: boolean; seconds: number };
    }
  /** The outcome is not known or not whole: nothing is repeated until a person decides. */
  | { type: "step.stopped"; data: { step: string; attempt: number; problem: Problem } }
  | { type: "step.opened"; data: { step: string; until: string | null } }
  | { type: "step.confirmed"; data: { step: string; note: string | null } }
  | { type: "step.retried"; data: { step: string } }
  | { type: "step.skipped"; data: { step: string; reason: string } };

/** The decision tree of the system is walked. `triage`: which walk; a new one may begin at any time. */
export type TriageEvent =
  | { type: "triage.asked"; data: AskedTriage }
  /** `saw`: what a probe saw; null: a person said so. */
  | {
      type: "triage.answered";
      data: { triage: string; question: string; answer: string; says: string; saw: string | null };
    }
  /** The probe could not look, or saw what no answer is for: a person has to say. */
  | { type: "triage.unseen"; data: { triage: string; question: string; says: string } }
  | { type: "triage.concluded"; data: Concluded };

/** A question with its words as they were then. */
export interface AskedTriage {
  readonly triage: string;
  readonly question: string;
  readonly asks: string;
  readonly look: string | null;
  /** The world is asked, too. */
  readonly probed: boolean;
  readonly answers: readonly { readonly id: string; readonly says: string }[];
}

export interface Concluded {
  readonly triage: string;
  readonly advice: string | null;
  /** `modes`: those it is proposed in. */
  readonly runbook: { readonly id: string; readonly title: string; readonly modes: readonly Mode[] } | null;
}

/** What monitoring says, as far as the catalogue knows it. Texts of the sender are kept as they came, cut. */
export type AlertEvent =
  /** These instances of an alert fire, and did not before. One event for all that came in together. */
  | { type: "alert.fired"; data: FiredAlert }
  | {
      type: "alert.resolved";
      data: {
        alert: string;
        /** Ids of instances. */
        instances: readonly string[];
        /** By when this was so: what came in before it and is heard after it is old. ISO 8601. */
        asOf: string;
      };
    }
  /** What the proposed runbook would act on was looked at, read-only. `ok` false: it can't be started as things are. */
  | { type: "alert.looked"; data: { alert: string; ok: boolean; says: readonly string[] } }
  /** It stands in the stream of a system's alerts: the incident they opened. The one who hears of more alerts joins it. */
  | { type: "alert.incidentOpened"; data: { incident: string } };

export interface FiredAlert {
  /** The catalogue's id of it; of one the catalogue does not have, the name the monitoring gives it. */
  readonly alert: string;
  readonly sender: string;
  /** The catalogue's words. */
  readonly title: string;
  readonly severity: SeverityId;
  readonly component: string;
  /** What is proposed, and the modes it is proposed in. */
  readonly runbook: Concluded["runbook"];
  /** The sender's words and where it shows the alert. */
  readonly summary: string | null;
  readonly link: string | null;
  /** When it began to fire, by the sender's clock. ISO 8601; null: it does not say. */
  readonly startedAt: string | null;
  /** `labels`: the sender's, as `name=value`. */
  readonly instances: readonly { readonly id: string; readonly labels: string }[];
  readonly asOf: string;
}

/** An event as it stands on a timeline. */
export type Recorded<E extends Event = Event> = E & {
  readonly stream: string;
  /** 1, 2, 3 … without a gap inside the stream. */
  readonly version: number;
  /** Makes a repeat harmless: unique inside the stream. */
  readonly key: string;
  readonly run: string | null;
  readonly actor: Actor;
  /** The database's clock. */
  readonly at: Date;
};

/** An event about to be written. */
export type NewEvent<E extends Event = Event> = E & {
  readonly key: string;
  readonly run?: string | null;
  readonly actor: Actor;
  /** It is written with the timeline's number in its data. */
  readonly numbered?: true;
};
