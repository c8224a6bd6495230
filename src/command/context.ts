import type { Undelivered } from "../../templates/messages/comms/undelivered.ts";
import type { PackFacts } from "../../templates/messages/incident/evidence.ts";
import type { Observations } from "../catalog/binding.ts";
import type { Reloaded } from "../catalog/live.ts";
import type { TargetLook } from "../catalog/roles.ts";
import type { ActionCard, Catalog, System } from "../catalog/types.ts";
import type { Reach } from "../comms/compose.ts";
import type { Templates } from "../comms/load.ts";
import type { Actor } from "../incident/events.ts";
import type { Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { SecondFactor } from "../mfa/second-factor.ts";
import type { Readiness } from "../readiness/state.ts";
import type { ReportTemplate } from "../report/templates.ts";
import type { Tally, Timeline } from "../timeline/contract.ts";

/** What commands may use. They read, decide and append; they can't reach actions. */
export interface CommandContext {
  readonly catalog: Catalog;
  /** What the planner may know of the actions. */
  readonly cards: ReadonlyMap<string, ActionCard>;
  /** Values of the catalogue's variables, as this installation gives them: system id → name → value. */
  readonly variables: ReadonlyMap<string, ReadonlyMap<string, string | number | boolean>>;
  /** Values of the drill environment, in the same form; absent: there is none. */
  readonly drillVariables?: ReadonlyMap<string, ReadonlyMap<string, string | number | boolean>>;
  /** Looks at members of targets, read-only and bounded: what a plan needs to know which side is active. Absent: none answers. */
  readonly lookAt?: (targets: readonly TargetLook[], drill: boolean) => Promise<Observations>;
  readonly timeline: Timeline;
  /** Incidents as they are now, and the one way to decide on one. */
  readonly incidents: Incidents;
  readonly log: Logger;
  /** The practice workspace: shown on everything, and only practice systems may run. */
  readonly practice: boolean;
  /** How the transport shows a channel or a person; plain words where it can't. */
  readonly channelOf: (incident: string) => Promise<string | null>;
  /** The incident whose own channel this is, or null. */
  /** Where incidents are announced that were declared nowhere, or where no one else reads: a channel's id or name. Absent: nowhere. */
  readonly announceIn?: string | null;
  /** Where an issue of the tracker is, with `{issue}` in place of its key; null or absent: there is none. */
  readonly issueUrl?: string | null;
  /** Where the video bridge of an incident is, with `{incident}` in place of its name; null or absent: there is none. */
  readonly bridgeUrl?: string | null;
  readonly incidentAt: (channel: string) => Promise<string | null>;
  /** Slack accounts that read nothing any more, as far as it is known; absent: no one knows. */
  readonly unreachable?: () => Promise<ReadonlySet<string>>;
  /** The same as it was when a request began; absent: outside a request, or no one knows. */
  readonly unreachableNow?: ReadonlySet<string>;
  /** Why a person of a system can't answer at all (deactivated, left); null: they can, or no one can tell. Absent: no one can tell. */
  readonly gone?: (system: System, person: string) => Promise<string | null>;
  /** What places outside were not shown, of an incident; absent: no one knows. */
  readonly deliveries?: {
    undelivered(incident: string): Promise<readonly Undelivered[]>;
    /** Tries it now. How many there were. */
    tryAgain(incident: string): Promise<number>;
  };
  /** Counts that are the same in every process. */
  readonly tally: Tally;
  /** What can be said, and how far this installation reaches. */
  readonly comms: {
    readonly templates: Templates;
    readonly reach: Reach;
    /** Where the built-in status page is read; null: no one was told. */
    readonly pageLink: string | null;
  };
  /** The template of a system's reports, as its file is now; absent: the shipped one. */
  readonly reportTemplate?: (system: string) => ReportTemplate;
  /** Has the catalogue read again, for this person; absent: this process reads it once. */
  readonly reload?: (actor: Actor) => Promise<Reloaded>;
  /** How ready each runbook is; absent: nothing proves it. */
  readonly readiness?: Readiness;
  /** Makes the evidence pack of one system and period as a ZIP file, without private incidents. Absent: nothing here does. */
  readonly evidence?: (period: {
    readonly system: string;
    readonly from: Date;
    /** Null: up to now. */
    readonly to: Date | null;
  }) => Promise<EvidencePack>;
  /** How people prove afresh who they are; absent: no one can. */
  readonly mfa?: SecondFactor;
}

/** What is said of a pack, and its bytes. */
export interface EvidencePack extends Omit<PackFacts, "from"> {
  readonly content: Uint8Array;
}
