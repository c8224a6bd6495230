import type { Alert, OtherAlerts } from "./alerts.ts";
import type { Backup } from "./backups.ts";
import type { Occasion } from "./calendar.ts";
import type { Checklist, Compliance, Contact } from "./compliance.ts";
import type { Cycle } from "./cycles.ts";
import type { Input } from "./input.ts";
import type { Scalar } from "./reference.ts";
import type { Triage } from "./triage.ts";
import type { Unresolved } from "./unresolved.ts";

export type { Alert, OtherAlerts } from "./alerts.ts";
export type { Backup } from "./backups.ts";
export type { Occasion, OccasionKind } from "./calendar.ts";
export type { Checklist, Compliance, Contact } from "./compliance.ts";
export type { Cycle } from "./cycles.ts";
export type { Input } from "./input.ts";
export type { Answer, Probe, Question, Triage } from "./triage.ts";
export type { Unresolved } from "./unresolved.ts";

/**
 * What a system, a runbook and a plan are. `schema.ts` says how they are written; this file says what the rest of the
 * Lifeboat reads. Every duration is a number of seconds and its name says so.
 */

/** A product with components, regions and people: `templates/systems/<id>/system.yml`. */
export interface System {
  readonly id: string;
  readonly title: string;
  /** `practice` systems may only be run against the practice environment; `production` ones never in practice. */
  readonly environment: "practice" | "production";
  /** IANA name of the time zone its people live by; absent: reports say UTC alone. */
  readonly timezone?: string;
  /** Where it runs. */
  readonly sites: readonly Site[];
  /** What runbooks act on, with its members; absent: runbooks name everything themselves. */
  readonly targets?: readonly Target[];
  /** Objectives that components share; a component carries its own already. */
  readonly tiers?: readonly Tier[];
  readonly components: readonly Component[];
  readonly roles: readonly Role[];
  readonly people: readonly Person[];
  readonly severities: readonly Severity[];
  /** Values that differ per installation: declared here, given by the installation, never guessed. */
  readonly variables: readonly Variable[];
  /** Scripts `script.run` may start, by name: nothing else can be started. */
  readonly scripts: readonly AllowedScript[];
  /** Files `kubernetes.apply` may apply, by name: nothing else can be applied. */
  readonly manifests?: readonly AllowedManifest[];
  /** How its people are woken; absent: no one is paged, and the roster alone says who is asked. */
  readonly paging?: Paging;
  /** Who may go past a gate no one answers; absent: no one may. */
  readonly breakGlass?: BreakGlass | null;
  /** Roles that may have the catalogue read again by `/dr reload`; absent: no one may, and files are read again when they change. */
  readonly administrators?: readonly string[];
  /** Absent: as `ReadinessRules` says. */
  readonly readiness?: ReadinessRules;
  /** Roles whose holders are members of private incidents from the start; absent: the incident commander's. */
  readonly privateRoles?: readonly string[];
  /** When people have to be told, by severity; what is absent is not promised. */
  readonly cadence?: readonly Cadence[];
  /** Who is told how; absent: responders in the incident's channel, executives where it was announced. */
  readonly comms?: Comms;
  /** Bookmarked in every incident's channel. */
  readonly links?: readonly Link[];
  /** When an incident is declared, in sentences. */
  readonly declareWhen?: readonly string[];
  /** The tree of `/dr triage`; absent: there is none. */
  readonly triage?: Triage;
  /** Whom an incident reaches that goes on. Absent: no one. */
  readonly ifUnresolved?: Unresolved;
  readonly alerts?: readonly Alert[];
  /** Absent: alerts that are not listed open no incident. */
  readonly otherAlerts?: OtherAlerts;
  readonly backups?: readonly Backup[];
  /** Drills, verifications and reviews, and when they are due. */
  readonly calendar?: readonly Occasion[];
  /** Whether those who may decide are asked that they can be reached, and how often they take part in drills; absent: no one asks. */
  readonly seats?: {
    readonly confirm: "monthly" | null;
    readonly answerWithinSeconds: number;
    readonly drillsAYear: number | null;
  };
  /** Ways there and back, for practice; absent: none is declared. */
  readonly cycles?: readonly Cycle[];
  readonly checklists?: readonly Checklist[];
  readonly compliance?: Compliance;
  /** Who can be reached beside the roster. */
  readonly contacts?: readonly Contact[];
}

/** Who an update is written for. */
export type Audience = "responders" | "executives" | "customers" | "status-page";
export type SeverityId = Severity["id"];

/** What people are promised while an incident has this severity. Null: nothing. */
export interface Cadence {
  readonly severity: SeverityId;
  /** From the declaration. */
  readonly firstNoticeSeconds: number | null;
  /** From the last update, while it is open. */
  readonly updatesSeconds: number | null;
  /** Both from the resolution. */
  readonly resolutionSeconds: number | null;
  readonly postmortemSeconds: number | null;
  /** The comms lead is reminded this long before. */
  readonly remindSeconds: number;
  /** Only an update to one of these keeps the promise. */
  readonly counts: readonly Audience[];
}

export interface Comms {
  /** Audiences without one are reached as `routeOf` says. */
  readonly routes: readonly Route[];
  /** A page at Atlassian Statuspage, beside the built-in one. */
  readonly statuspage: {
    readonly pageId: string;
    readonly components: readonly { readonly component: string; readonly id: string }[];
  } | null;
  /** Where customers read the status page. */
  readonly link: string | null;
}

/** `incident`: its own channel; `announce`: where it was announced; else a channel's id. */
export type SlackPlace = string;

export interface Route {
  readonly audience: Audience;
  readonly slack: readonly SlackPlace[];
  readonly email: readonly string[];
  /** The status page says it too. */
  readonly page: boolean;
}

export interface Link {
  readonly title: string;
  readonly url: string;
}

/** The way past a gate when no one who may decide can be reached: loud, bound to one ask, and reviewed afterwards. */
export interface BreakGlass {
  readonly roles: readonly string[];
  /** Someone else has to confirm it, as long as there is someone who may. */
  readonly secondPerson: boolean;
  /** After so long without that second person, the first may go on alone, and that is recorded. */
  readonly aloneAfterSeconds: number;
  /** What it opens has to start within this time. */
  readonly lastsSeconds: number;
  /** The last level of the chain has had so long to answer before break-glass may be used. */
  readonly silentForSeconds: number;
  /** Why who requested a run may go past its approval alone, in words; absent: never without a second person. */
  readonly requesterAlone?: string;
}

/** PagerDuty's names for what this system has. Ids as PagerDuty shows them; secrets by the name of their variable. */
export interface Paging {
  /** Incidents of this service are incidents of this system. */
  readonly service: string;
  /** Environment variable with the integration key of that service (Events API v2). */
  readonly routingKeyFrom: string;
  /** Environment variable with a REST API key. */
  readonly tokenFrom: string;
  /** E-mail address of the PagerDuty user in whose name pages are made. */
  readonly from: string;
  /** Who is on call for a role: its escalation policy. A role without one is paged by way of the service. */
  readonly policies: readonly { readonly role: string; readonly policy: string }[];
  /** Which PagerDuty user a person of the roster is. */
  readonly people: readonly { readonly person: string; readonly user: string }[];
}

/** A region or a data centre. */
export interface Site {
  readonly id: string;
  readonly title: string;
  /** The system belongs here when all is well. */
  readonly home: boolean;
  /** What else differs by site, for `${from.url}`; may hold references to variables. */
  readonly values: Readonly<Record<string, Scalar>>;
}

/** A database, a cluster, a bucket, a name: what has a member at each site. */
export interface Target {
  readonly id: string;
  readonly title: string;
  /** A key of `TARGET_KINDS` (`targets.ts`). */
  readonly kind: string;
  /** A target with roles: the member at the site where that one is active is the active one. */
  readonly follows?: string;
  /** A site has several members, and a reference is a list of all of them. */
  readonly many: boolean;
  readonly members: readonly Member[];
}

export interface Member {
  readonly id: string;
  /** Null: it belongs to no site. */
  readonly site: string | null;
  /** What an action's input takes, common and own; may hold references to variables. */
  readonly with: Readonly<Record<string, unknown>>;
  /** What else differs, for `${database.active.slot}`. */
  readonly values: Readonly<Record<string, Scalar>>;
}

/**
 * Why a member is taken for active: it was seen to be; it does not answer and the others are standbys; or a person said so.
 */
export type Basis = "seen" | "inferred" | "said";

/** Which way a runbook moves things: from the site where this target is active to one where it stands by. */
export interface Direction {
  readonly of: string;
  /** Targets that have to be active at the same site; what is not is a mixed state, and the run is refused. */
  readonly agree: readonly string[];
}

/** What a run moves from one site to another. */
export interface Moves {
  /** Id of the target that is moved, and its title. */
  readonly target: string;
  readonly title: string;
  /** How long the new side is watched once the run is verified; 0: not at all. */
  readonly probationSeconds: number;
  /** Id of the runbook that makes a standby again; absent: none does. */
  readonly reprotect?: string;
}

/** What of a target a plan is bound to. */
export interface BoundRoles {
  readonly target: string;
  readonly title: string;
  readonly active: string;
  readonly basis: Basis;
  readonly says: string;
}

export interface Component {
  readonly id: string;
  readonly title: string;
  /** Other words people type for it: `db`, `postgres`. */
  readonly aliases: readonly string[];
  readonly tier?: string;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
}

export interface Tier {
  readonly id: string;
  readonly title: string;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  readonly explains: string | null;
}

export interface Role {
  readonly id: string;
  readonly title: string;
  /** Told to the one who takes it. */
  readonly explains: string;
  /** True for roles taken during an incident (incident commander); false for standing authority (VP Engineering). */
  readonly perIncident: boolean;
}

/** The roster: the only source of who a person is and what they may decide. */
export interface Person {
  readonly id: string;
  readonly name: string;
  /** Slack user ids of this one person, all accounts. */
  readonly slack: readonly string[];
  readonly roles: readonly string[];
  /** OpenSSH public keys they sign with at the command line; absent: none. */
  readonly keys?: readonly string[];
  /** IANA name of the time zone this person lives by; absent: the system's. */
  readonly timezone?: string;
  /** Never in a file: Slack says of every account that it can't act (`withoutAccounts`). For sentences only; it decides nothing. */
  readonly deactivated?: true;
}

export interface Severity {
  readonly id: "P0" | "P1" | "P2" | "P3";
  readonly title: string;
  readonly respondWithinSeconds: number;
  /** What is of this severity; absent: nothing is named. */
  readonly examples?: readonly string[];
}

export interface Variable {
  readonly name: string;
  readonly type: "string" | "number" | "boolean";
  readonly description: string;
  readonly default: string | number | boolean | null;
}

export interface AllowedManifest {
  readonly name: string;
  /** Path inside the system's own folder. */
  readonly file: string;
  /** The same file as an absolute path, links resolved: what a plan carries, with its SHA-256. */
  readonly path: string;
}

export interface AllowedScript {
  readonly name: string;
  /** Path inside the system's own folder. */
  readonly file: string;
  /** The same file as an absolute path, links resolved: what a plan carries, with its SHA-256. */
  readonly path: string;
  /** Names of environment variables the script may see; nothing else of ours reaches it. */
  readonly environment: readonly string[];
}

export type Mode = "planned" | "unplanned";
export type Risk = "read" | "reversible" | "disruptive" | "irreversible";
/** May an attempt be repeated when no one knows whether it happened? See `src/actions/contract.ts`. */
export type Repeat = "safe" | "guarded" | "toggle" | "destructive";

/** Whether what a step does can be taken back, as far as its input alone says it. */
export type WayBack =
  /** By a step of its own: `/dr undo`. */
  { readonly kind: "step" } | NotUndone;

/**
 * `nothing`: it leaves nothing to take back. `by-hand`: a person can, and `says` how. `never`: what was there before is
 * gone, and `says` why.
 */
export interface NotUndone {
  readonly kind: "nothing" | "by-hand" | "never";
  readonly says: string;
}

/** The call that takes a step back: an action of the registry and an input it accepts. `says`: what it does, as a title. */
export interface Inverse extends PlannedCall {
  readonly kind: "step";
  readonly says: string;
  /** What came since and isn't there any more once it is taken back: said where people decide. Absent: nothing. */
  readonly givesUp?: string;
}

export interface PlannedCall {
  readonly action: string;
  readonly input: unknown;
}

export interface Budget {
  readonly typicalSeconds: number;
  readonly warnSeconds: number;
  readonly failSeconds: number;
}

/** A runbook as a team wrote it, before it is bound to inputs. */
export interface Runbook {
  readonly id: string;
  readonly system: string;
  readonly title: string;
  readonly summary: string;
  /** Which `/dr` words start it: `failover database`. Null: only `/dr runbook <id>`. */
  readonly starts: { readonly verb: "failover" | "restore"; readonly target: string } | null;
  /** `/dr failover <site>` starts it, to leave that site. Absent: no. */
  readonly leavesSite?: true;
  readonly component: string | null;
  readonly modes: readonly Mode[];
  /** What has to be said when it is started, in the order it is asked; absent: nothing. */
  readonly inputs?: readonly Input[];
  /** Absent: it moves nothing from one site to another. */
  readonly direction?: Direction;
  /** It may be planned while two members are active, to end that. Absent: no. */
  readonly mendsSplit?: true;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  /** What it changes, from where to where, in one line with references; null where it only looks. */
  readonly changes: string | null;
  /** What is lost by it that no step can measure beforehand. Absent: nothing of the kind. */
  readonly givesUp?: readonly string[];
  /** It is a declared exercise on production: a drill of it changes production, and a gate of its own says so. */
  readonly exercise?: true;
  /** It breaks what it is run on: it is only ever a drill. */
  readonly drill?: true;
  /** Id of the runbook that makes a standby again after this one; absent: none does. */
  readonly reprotect?: string;
  /** How long the new side is watched after a run that moves something; 0: not at all. Absent: as `moves.ts` says. */
  readonly probationSeconds?: number;
  /** Only ever included by others: the catalogue that is loaded doesn't have it, so nothing can start, propose or list it. */
  readonly part?: true;
  /** Planned work: a run of it opens a maintenance record. */
  readonly maintenance?: true;
  /** Flat: what another runbook of the system holds stands here as if it had been written here. */
  readonly stages: readonly RunbookStage[];
  /** Stages that should be over within a time; absent: none says so. */
  readonly clocks?: readonly WrittenClock[];
  /** The runbooks it includes, each once for every place; absent: none. */
  readonly uses?: readonly Used[];
  /** What to do about it when it can't start; said then. */
  readonly beforehand: readonly string[];
  /** What to do when it is over; said at the end of the thread. */
  readonly afterwards: readonly string[];
}

export interface RunbookStage {
  /** Where it stands in its file; for a stage that came with `use`, where that stands. */
  readonly path: readonly (string | number)[];
  readonly id: string;
  readonly title: string;
  readonly parallel: boolean;
  readonly steps: readonly RunbookStep[];
  /** As in `PlanStage`. */
  readonly lanes?: readonly Branch[];
}

/** A stage, or all that came with one that includes a runbook, should be over within a time. Being late stops nothing. */
export interface Clock {
  /** As the stage is called where the time is written. */
  readonly id: string;
  readonly title: string;
  readonly withinSeconds: number;
  /** Ids of stages that follow one another. */
  readonly stages: readonly string[];
}

export interface WrittenClock extends Clock {
  readonly path: readonly (string | number)[];
}

/** Steps of a parallel stage that go one after the other, beside the other branches. A step in none is a branch by itself. */
export interface Branch {
  readonly id: string;
  readonly title: string;
  /** Ids of its steps, in order. */
  readonly steps: readonly string[];
}

/** A place where a runbook includes another: `use:`. */
export interface Used {
  /** What the ids of its steps begin with. */
  readonly id: string;
  readonly runbook: string;
  /** Where it stands in the file. */
  readonly path: readonly (string | number)[];
  /** Ids its steps have here, in order. */
  readonly steps: readonly string[];
  /** Gates it came without (`gates: drop`), each with the first step behind it, as it is called here. */
  readonly dropped: readonly { readonly step: RunbookStep; readonly gate: Gate; readonly before: string }[];
}

/** One line of a runbook; `${…}` references in `with` are still unresolved. */
export interface RunbookStep {
  /** As in its stage. */
  readonly path: readonly (string | number)[];
  readonly id: string;
  readonly title: string;
  readonly mode: Mode | null;
  /** Only when it goes to this site, or from it; absent: both ways. */
  readonly towards?: string | null;
  /** Only when this target is not at the site yet where it goes; absent: always. */
  readonly moves?: string | null;
  readonly when: Condition | null;
  readonly does:
    | {
        readonly kind: "action";
        readonly action: string;
        readonly with: unknown;
        readonly retries: number;
        /** An attempt is given up after so long; absent: after what the action allows. */
        readonly timeoutSeconds?: number;
      }
    | { readonly kind: "gate"; readonly gate: Gate }
    | {
        readonly kind: "manual";
        readonly instructions: string;
        readonly role: string | null;
        readonly atMostSeconds?: number;
      }
    | { readonly kind: "wait"; readonly seconds: number };
}

/** A point that needs approvals. It covers every step after it up to the next gate. */
export interface Gate {
  readonly role: string;
  /** How many distinct people, at least 1. */
  readonly quorum: number;
  /** An answer is awaited this long; an approval is good for a start this long. */
  readonly expiresSeconds: number;
  /** Who is asked next on silence, in order, counted from the moment the gate opened. A listed role may always decide. */
  readonly escalate: readonly { readonly role: string; readonly afterSeconds: number }[];
  /** Who approves must have proved once more who they are. */
  readonly stepUp: boolean;
  /** While no one answers, those asked are reminded this often; absent or 0: never. */
  readonly remindSeconds?: number;
  /** In a drill, this is the gate that says that production is changed. */
  readonly exercise?: true;
}

/** True when the evidence of an earlier step carries the fact with this value. */
export interface Condition {
  readonly step: string;
  readonly fact: string;
  readonly is: string | number | boolean;
}

/** A runbook bound to inputs, every value resolved. Its canonical bytes are hashed; the engine runs the stored bytes. */
export interface Plan {
  /** 2 where a stage has branches, which the one who knows only 1 would run all at once. */
  readonly format: 1 | 2;
  readonly system: string;
  readonly systemTitle: string;
  readonly environment: "practice" | "production";
  readonly runbook: string;
  readonly title: string;
  readonly summary: string;
  readonly component: string | null;
  readonly mode: Mode;
  /** In which modes its runbook can be run; absent in older plans. */
  readonly modes?: readonly Mode[];
  readonly kind: "real" | "drill";
  /** Where a drill is held. Absent: it is for real, or the plan was made before 0.2. */
  readonly drill?: DrillPlan;
  /** What was said when it was requested, in the runbook's order; absent: it has no inputs. */
  readonly inputs?: readonly { readonly name: string; readonly value: string | number | boolean }[];
  /** Which way it goes, and how that is known; absent: it moves nothing between sites. */
  readonly direction?: {
    readonly from: { readonly id: string; readonly title: string };
    readonly to: { readonly id: string; readonly title: string };
    readonly basis: Basis;
    readonly says: string;
  };
  /** Who was active in what it names by role, when it was planned; absent: it names nothing by role. */
  readonly roles?: readonly BoundRoles[];
  /** What this changes, in one line a tired person understands: from where to where. */
  readonly target: string;
  /** What this run holds alone: one mutating run per resource. */
  readonly resources: readonly string[];
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  /** The first step whose action says that it can't be undone, or null. In plans of 0.1: the first `irreversible` one. */
  readonly pointOfNoReturn: string | null;
  /** As in `Runbook`. */
  readonly givesUp?: readonly string[];
  readonly stages: readonly PlanStage[];
  /** Absent: no stage says how long it should take. */
  readonly clocks?: readonly Clock[];
  /** Absent: nothing. */
  readonly beforehand?: readonly string[];
  readonly afterwards: readonly string[];
  /** The step this plan takes back; absent: it was made from a runbook. */
  readonly undoes?: Undone;
  /** The runbook is walked by people, and nothing of it is performed (`tabletop.ts`). Absent: it is performed. */
  readonly tabletop?: true;
}

/** A step of a run that a plan of its own takes back, and what it was: whether it still holds is looked at again. */
export interface Undone extends PlannedCall {
  readonly run: string;
  readonly step: string;
  /** What the intent recorded as there before. */
  readonly before: unknown;
  /** It was seen to be done; else only part of it may have happened. */
  readonly verified: boolean;
}

/**
 * `environment`: with values of its own, which share no place with production's. `exercise`: on production, as declared.
 * `practice`: in the practice workspace. `nothing`: it only looks.
 */
export interface DrillPlan {
  readonly on: "environment" | "exercise" | "practice" | "nothing";
  /** SHA-256 over the values of the drill environment; only there. */
  readonly values?: string;
}

export interface PlanStage {
  readonly id: string;
  readonly title: string;
  /** Its steps run side by side, those of one branch one after the other. */
  readonly parallel: boolean;
  readonly steps: readonly PlanStep[];
  /** Absent: each step is a branch by itself. */
  readonly lanes?: readonly Branch[];
}

interface StepBase {
  readonly id: string;
  readonly title: string;
  readonly when: Condition | null;
}
/**
 * - `interrupts`: users may be without the service from its beginning on, or are led elsewhere by it.
 * - `restores`: part of the way back to service, so people wait for its end.
 * - `aside`: done beside the service, for protection or tidiness; no one waits for it.
 */
export type Service = "interrupts" | "restores" | "aside";

export interface ActionStep extends StepBase {
  readonly kind: "action";
  readonly action: string;
  readonly input: unknown;
  readonly risk: Risk;
  readonly repeat: Repeat;
  readonly budget: Budget;
  /** Automatic attempts after the first, only where `repeat` allows them. */
  readonly retries: number;
  /** Absent on reads, and in plans of 0.1, where no one asked. */
  readonly undo?: WayBack;
  /** It keeps a server from taking writes. In plans of 0.1 the action's name says it: see `isFence` (`src/incident/fences.ts`). */
  readonly fences?: true;
  /** A server that took no writes may take them afterwards. Absent too in plans of 0.1, where no one asked. */
  readonly opens?: true;
  /** It makes a standby the server that takes writes. Absent too in plans of before 0.3. */
  readonly promotes?: true;
  /** It leads users or their application from one place to another. Absent too in plans of before 0.3. */
  readonly leads?: true;
  /** It breaks its target on purpose, for so many seconds at most: then the bot lifts it. Absent too in plans of before 0.3. */
  readonly breaksForSeconds?: number;
  /** What it does to the service. Absent on reads, and in plans of 0.1: see `serviceOf` (`src/incident/service.ts`). */
  readonly service?: Service;
}
export interface GateStep extends StepBase {
  readonly kind: "gate";
  readonly gate: Gate;
}
export interface ManualStep extends StepBase {
  readonly kind: "manual";
  readonly instructions: string;
  readonly role: string | null;
  /** After so long without anyone's word the run goes on by itself; absent: it waits for a person. */
  readonly atMostSeconds?: number;
}
export interface WaitStep extends StepBase {
  readonly kind: "wait";
  readonly seconds: number;
}
export type PlanStep = ActionStep | GateStep | ManualStep | WaitStep;

/** A stored plan held against the catalogue of today (`conformance.ts`). */
export interface Conformance {
  /** What the catalogue asks for at the gates of the plan, by the gate's step id. A gate it doesn't know is not here: the plan's word holds. */
  readonly gates: ReadonlyMap<string, Gate>;
  /** What of the plan this catalogue would not make. */
  readonly differences: readonly Difference[];
}

export interface Difference {
  /** The step it is about; null: the whole plan. */
  readonly step: string | null;
  /** True: no approval makes up for it. False: those who may decide can accept it, when they are shown it. */
  readonly firm: boolean;
  /** A clause without its full stop. */
  readonly says: string;
}

export interface Catalog {
  readonly systems: readonly System[];
  readonly runbooks: readonly Runbook[];
}

/** Buckets and RDS databases of one account and region. */
export interface AccountPart {
  readonly account: string;
  readonly region: string;
  readonly prefix?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** What a system says of its readiness. */
export interface ReadinessRules {
  /** Roles whose holders are told when a runbook is no longer ready; absent: the administrators. */
  readonly tells?: readonly string[] | undefined;
  /** A certificate that ends sooner is a reason not to be ready; absent: as the action says. */
  readonly certificateDays?: number | undefined;
  /** What of AWS accounts belongs to the system, by how it's named or tagged; values may be references. Absent: no one looks there. */
  readonly accounts?: readonly AccountPart[] | undefined;
  /** What exists and needs no runbook, as drift names it: `database/scratch`, `deployment/debug-*`. Absent: nothing is left out. */
  readonly ignore?: readonly string[] | undefined;
}

/** What a cloud changes its resources by, in one region whatever region they serve. */
export interface ControlPlane {
  /** "Route 53's control plane" */
  readonly what: string;
  readonly region: string;
}

/** What the planner needs to know of an action; the whole contract is in `src/actions/contract.ts`. */
export interface ActionCard {
  readonly id: string;
  readonly summary: string;
  readonly risk: Risk;
  readonly repeat: Repeat;
  readonly budget: Budget;
  /** Checks one input, with secrets and references already resolved; the message names the path. */
  checkInput(
    input: unknown,
  ):
    | { ok: true; input: unknown }
    | { ok: false; errors: readonly { path: readonly (string | number)[]; message: string }[] };
  /** What a step with this input holds alone; empty for reads. */
  resources(input: unknown): readonly string[];
  /** What a step with this input does to the service. Absent on reads. */
  service?(input: unknown): Service;
  /** True where it keeps a server from taking writes: such a step is no one's to skip. Absent: never. */
  fences?(input: unknown): boolean;
  /** True where a server that took no writes may take them afterwards. Absent: never. */
  opens?(input: unknown): boolean;
  /** It makes a standby the server that takes writes. */
  readonly promotes?: true;
  /** It leads users or their application from one place to another. */
  readonly leads?: true;
  /** What a fence is for: after it another server serves, or the fence is lifted. */
  readonly endsFence?: true;
  /** It runs what a runbook's author wrote: only they know what it does. */
  readonly arbitrary?: true;
  /** It adds a copy of data, and neither changes nor replaces anything that was there. */
  readonly copies?: true;
  /** It breaks its target on purpose, and this action ends it. Absent: never. */
  readonly breaks?: { readonly liftedBy: string; forSeconds(input: unknown): number };
  /** Control planes a step with this input can't do without. Absent: none. */
  controlPlanes?(input: unknown): readonly ControlPlane[];
  /** Keys of its input whose servers it goes on without; `all`: whatever it names. Absent: it needs all of them. */
  goesWithout?(input: unknown): readonly string[] | "all";
  /** Whether a step with this input can be taken back. */
  wayBack(input: unknown): WayBack;
  /** What takes it back, now that it is known what was there `before`. */
  undo(
    before: unknown,
    input: unknown,
    context: { readonly calls: readonly PlannedCall[]; readonly acceptUnreachable: boolean },
  ): Inverse | NotUndone;
}
