import type { z } from "zod";
import type {
  Budget,
  ControlPlane,
  Inverse,
  NotUndone,
  PlannedCall,
  Repeat,
  Risk,
  Service,
  WayBack,
} from "../catalog/types.ts";
import type { Logger } from "../lib/log.ts";
import type { ProcessIdentity } from "../lib/processes.ts";

export type { Inverse, NotUndone, PlannedCall, WayBack } from "../catalog/types.ts";

/**
 * The action contract: code that performs one step of a plan.
 *
 * An action looks (`observe`), says whether it may go ahead (`ready`) and whether it is already so (`done`), causes
 * exactly one side effect (`apply`), and then looks again until the world itself shows it (`verify`). It knows nothing of
 * incidents, runs or Slack. What `observe` returns is written to the timeline, so it is plain JSON and holds no secret.
 *
 * `repeat` says what is true when an attempt was made and no one knows whether it arrived:
 * - `safe`: doing it again changes nothing (an upsert).
 * - `guarded`: the target refuses a second one, and the refusal means "look again" (`pg_promote` on a primary).
 * - `toggle`: a second one undoes the first (a forced reboot-failover): never again unless the recorded identity stands.
 * - `destructive`: only ever after a person said so.
 */
export interface Action<I = unknown, S = unknown> {
  /** `postgres.promote` */
  readonly id: string;
  readonly summary: string;
  readonly input: z.ZodType<I>;
  readonly risk: Risk;
  readonly repeat: Repeat;
  readonly budget: Budget;
  /** What this step holds alone, by the target's own identity: `postgres:10.0.0.5:5432/orders`. Empty for reads. */
  resources(input: I): readonly string[];

  /**
   * Loads the libraries of its target. Called before any deadline begins: while they load nothing else of this process
   * runs, which would be taken for a target that does not answer.
   */
  load?(): Promise<void>;
  /** Read-only and bounded. Must not throw for "it is down": that is something to observe. */
  observe(ctx: ReadContext, input: I): Promise<S>;
  /** What it does to the service. Stated by every action that changes something, also where it depends on the input. */
  readonly service?: Service | ((input: I) => Service);
  /** True where it keeps a server from taking writes. Absent: never. */
  fences?(input: I): boolean;
  /** True where a server that took no writes may take them afterwards. Absent: never. */
  opens?(input: I): boolean;
  /** It makes a standby the server that takes writes, and never without a fence before or people's word. */
  readonly promotes?: true;
  /** It leads users or their application from one place to another. */
  readonly leads?: true;
  /** What a fence is for: after it another server serves, or the fence is lifted. */
  readonly endsFence?: true;
  /** It runs what a runbook's author wrote: only they know what it does. */
  readonly arbitrary?: true;
  /**
   * It adds a copy of data, and neither changes nor replaces anything that was there, older copies included: what people may approve ahead
   * of its hour. Absent: it does more.
   */
  readonly copies?: true;
  /**
   * Of a look: it says whether the service is well, and costs so little that it is repeated all through the window after a move, where it was
   * among the last steps of the run (`engine/probation-monitor.ts`). Absent: it isn't.
   */
  readonly probation?: true;
  /**
   * It breaks its target on purpose, in drills of a drill environment only (`wrap/drill.ts`). The break ends by `undo`: by a step of the runbook,
   * and where none came to it, by the bot (`engine/fault-lifter.ts`) once the run has ended or these seconds are over.
   */
  readonly breaks?: Breaks<I>;
  /**
   * Control planes it can't do without, by the region they are in: those stand in no input. Absent: none. Readiness asks whether a region can be
   * left without them.
   */
  controlPlanes?(input: I): readonly ControlPlane[];
  /** Keys of its input whose servers may be gone, and it goes on; `all`: whatever it names. Absent: it needs every server its input names. */
  goesWithout?(input: I): readonly string[] | "all";
  /** The observation as facts people are shown. Material ones may not change between an approval and the start. */
  facts(seen: S, input: I): readonly Fact[];
  ready(seen: S, input: I, ctx: Evidences): readonly Check[];
  /** Is the effect there already? Asked before applying and after a crash; `before` is what the intent recorded. */
  done(seen: S, input: I, before: S | null): Done;
  /**
   * Seconds for which a target may show nothing of a change it has accepted. An attempt that follows one whose answer no one has
   * believes a "no" only when they are over: a second request before that would be a second change. Absent: it shows at once.
   */
  showsWithinSeconds?(input: I): number;
  /** Exactly one side effect. Absent on `risk: "read"`. Called only after the intent is on the timeline. */
  apply?(ctx: ApplyContext, input: I, seen: S): Promise<Handle>;
  /** Polls until the world shows the effect; rejects when it does not within the budget. */
  verify(ctx: ApplyContext, input: I, before: S, handle: Handle | null): Promise<Evidence>;
  /** The one place that says whether and how its effect is taken back. */
  readonly undo: Undo<I, S>;
  /** What may still go wrong when it is long over: looked for by the engine, whatever became of the run. */
  readonly watch?: Watch<I>;
}

export interface Breaks<I> {
  /** The action that ends it: a runbook that breaks something has a later step of it. */
  readonly liftedBy: string;
  /** How long it may last. */
  forSeconds(input: I): number;
}

export interface Watch<I> {
  /** From the moment it was verified. */
  readonly forSeconds: number;
  /** Read-only and bounded. Null: nothing is wrong, or no one can tell. */
  look(ctx: ReadContext, input: I): Promise<Observation | null>;
}

/** Two servers that both take writes: what was seen, and what has to be done about it, in a sentence each. */
export interface Observation {
  readonly says: string;
  readonly next: string;
}

export type Done = "yes" | "no" | "partial" | "unknown";
/** What `apply` got back, kept for `verify`: an operation id, a position. Plain JSON, no secrets. */
export type Handle = Readonly<Record<string, unknown>>;

export interface Fact {
  /** Stable key, camelCase, units last: `lagSeconds`, `primaryReachable`. */
  readonly id: string;
  readonly label: string;
  readonly value: string | number | boolean | null;
  /** Whose data a `loss` speaks of, by the target's identity as in `resources`. */
  readonly of?: string;
  /** A material fact that changed between an approval and the start makes the approval void. */
  readonly material: boolean;
}

/**
 * That a server may go on taking writes because it can't be fenced, by its name: in `facts` while a step would go on without the fence,
 * in its evidence when it did. People sign that risk: it stands on the decision, the result and the post-mortem.
 */
export function unfencedFact(server: string | null): readonly Fact[] {
  return server === null ? [] : [{ id: "unfenced", label: "NOT FENCED", value: server, material: true }];
}

/** In evidence: this server takes no writes any more, whatever was said of it before. */
export function fencedFact(server: string): Fact {
  return { id: "fencedServer", label: "Takes no writes", value: server, material: false };
}

const WAITED_FOR = "nothing: the run goes on only when ";

/** Of a step that a run passes only when nothing of that data is missing any more. `what`: "orders-b has everything". */
export function sayWaitedFor(what: string): string {
  return `${WAITED_FOR}${what}`;
}

/** Then what other steps measure of the same data before the start is how far it is behind, and no loss. */
export function isWaitedFor(loss: Fact["value"]): boolean {
  return String(loss).startsWith(WAITED_FOR);
}

export interface Check {
  readonly id: string;
  readonly ok: boolean;
  /** A failed `block` check stops the run before anything is changed; a failed `warn` is shown. */
  readonly level: "block" | "warn";
  /** One sentence: what was found, and what the limit is. Without advice. */
  readonly says: string;
  /** What to do when it failed. Absent: what the runbook asks for beforehand is all there is to say. */
  readonly next?: string;
  /** Why it failed, where other checks may fail of the same: people are told the cause once, instead of each check. */
  readonly cause?: Cause;
  /**
   * Which earlier steps of the same run could still make it so. A preflight leaves the failed check out while one of them is
   * to come; without one, and always when the step itself starts, it counts. Absent: it has to be so from the beginning.
   */
  readonly madeSoBy?: MadeSoBy;
  /**
   * It failed because what this step repairs is healthy: there is nothing for it to do now, and it is refused rightly. Readiness counts that
   * as ready. Absent: whatever failed has to be put right.
   */
  readonly notNeeded?: true;
}

export interface Cause {
  /** The same cause has the same id, whichever step found it: `silent:10.0.0.5:5432`. */
  readonly id: string;
  /** One sentence, without advice. */
  readonly says: string;
}

/** One that fits is enough. */
export interface MadeSoBy {
  /** These steps, by id. */
  readonly steps?: readonly string[];
  /** Steps that hold one of these, as in `resources`: who promotes a server is who holds it. */
  readonly resources?: readonly string[];
  /** Steps of these actions, where the one that changes it names its target differently: `compose.stop`. */
  readonly actions?: readonly string[];
}

export interface Evidence {
  readonly says: string;
  readonly facts: readonly Fact[];
  readonly rpo?: MeasuredLoss;
}

/** Loss as measured, never as hoped. `null`: it could not be measured, and `method` says why. */
export interface MeasuredLoss {
  /** Whose data: the identity of the target (as in `resources`). A later measurement of the same one replaces an earlier. */
  readonly subject: string;
  readonly seconds: number | null;
  readonly rows: number | null;
  readonly method: string;
  /** Commit time (ISO) of the newest write that was kept: everything after it is lost. */
  readonly keptUntil?: string;
}

export interface Undo<I, S> {
  /** Known from the input alone, before anything is done: what plans and cards say. */
  ahead(input: I): WayBack;
  /**
   * What takes it back, made of what the intent recorded as there before. `plan`: the other calls of the plan it was a
   * part of. Its input names no step of that plan: it runs in a plan of its own.
   */
  step(before: S, input: I, plan: UndoContext): Inverse | NotUndone;
}

export interface UndoContext {
  readonly calls: readonly PlannedCall[];
  /** The person accepts that a server which has to be asked does not answer. */
  readonly acceptUnreachable: boolean;
}

/** Evidence of the steps that are behind this one, by step id: how `promote` knows that `fence` held. */
export interface Evidences {
  evidenceOf(step: string): Evidence | null;
}

/** Why a drill may not touch this, in a sentence; null: it may. `changes`: it is about to be changed. */
export type DrillLimits = (touch: {
  readonly action: string;
  readonly input: unknown;
  readonly resources: readonly string[];
  readonly changes: boolean;
  readonly breaks: boolean;
}) => string | null;

export interface ReadContext extends Evidences {
  /** A drill touches only what is the drill's: `wrap/drill.ts` sees to it for every action. */
  readonly kind: "real" | "drill";
  /** In a drill. */
  readonly drill?: DrillLimits;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** A secret by the name the catalogue gave it; throws a `LifeboatError` that names what to set. */
  secret(name: string): string;
  /** True inside the practice workspace, where only addresses of the practice environment may be touched. */
  readonly practice: boolean;
}

export interface ApplyContext extends ReadContext {
  /** Seconds this call may take in all. */
  readonly budget: Budget;
  progress(says: string): void;
  /**
   * Resolves when it is on the timeline which process is about to change something: only then may it begin. Rejects
   * where this attempt is no longer under way; then it may not.
   */
  launched(process: ProcessIdentity, says: string): Promise<void>;
  /** Whose account scripts run under; absent: ours. */
  readonly scriptUser?: { readonly uid: number; readonly gid: number };
}

/** Keeps an action's own types while the list holds them as one. */
export function defineAction<I, S>(action: Action<I, S>): Action<I, S> {
  return action;
}
