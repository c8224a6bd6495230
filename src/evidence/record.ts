import type { Plan } from "../catalog/types.ts";
import { blankIncident, evolve, type LogEvent, plansNeeded } from "../incident/evolve.ts";
import { figuresOf, type RunFigures } from "../incident/figures.ts";
import { incidentName } from "../incident/numbers.ts";
import type { IncidentState, RunState } from "../incident/state.ts";
import { decodePlan } from "../incidents/plans.ts";
import type { StoredEvent } from "../timeline/contract.ts";
import type { ExportReader } from "../timeline/export.ts";
import { Asks } from "./asks.ts";
import { type Deviation, deviationIn, measuredDeviations } from "./deviations.ts";

/** More events than this are not printed one by one: the document names the timeline they are in. */
export const PRINTED_MAX = 20_000;

/** Everything a pack says of one incident, drill or maintenance, as it stood at the end of the period. */
export interface RecordEvidence {
  readonly state: IncidentState;
  readonly asks: Asks;
  readonly deviations: readonly Deviation[];
  readonly figures: readonly RunFigures[];
  /** In the order of the timeline; above `PRINTED_MAX` without what is said again and again. */
  readonly events: readonly (LogEvent & { readonly hash: string })[];
  /** How many there are. */
  readonly count: number;
  readonly plans: ReadonlyMap<string, Plan>;
  /** `inc-42`, or its id where it has no number. */
  readonly name: string;
  readonly closedAt: Date | null;
}

/** Of these a long record has many, and its document is complete without. */
const BULK: ReadonlySet<string> = new Set([
  ...["command.refused", "approval.refused", "step.progressed", "incident.noted", "gate.reminded", "gate.shown"],
  ...["comms.reminded", "update.delayed", "alert.fired", "alert.resolved", "page.failed"],
]);

/** Folds a record while its events come by, and keeps no more of them than its document prints. */
export class RecordFold {
  readonly #id: string;
  readonly #reader: Pick<ExportReader, "plan">;
  readonly #plans = new Map<string, Plan>();
  readonly #asks = new Asks();
  readonly #deviations: Deviation[] = [];
  #state: IncidentState;
  #events: (LogEvent & { readonly hash: string })[] = [];
  #count = 0;
  #closedAt: Date | null = null;

  constructor(id: string, reader: Pick<ExportReader, "plan">) {
    this.#id = id;
    this.#reader = reader;
    this.#state = blankIncident(id);
  }

  async take(events: readonly StoredEvent[]): Promise<void> {
    for (const { planHash } of plansNeeded(events)) await this.#learn(planHash);
    for (const event of events) this.#take(event);
  }

  #take(event: StoredEvent): void {
    this.#count += 1;
    this.#state = evolve(this.#state, event, this.#plans);
    this.#asks.take(event);
    const deviation = deviationIn(event, (run, step) => this.#state.runs.get(run)?.steps.get(step)?.step.title ?? step);
    if (deviation !== null) this.#deviations.push(deviation);
    if (event.type === "incident.closed") this.#closedAt = event.at;
    if (event.type === "incident.reopened") this.#closedAt = null;
    if (this.#count <= PRINTED_MAX) this.#events.push(event);
    else {
      if (this.#count === PRINTED_MAX + 1) this.#events = this.#events.filter(({ type }) => !BULK.has(type));
      if (!BULK.has(event.type)) this.#events.push(event);
    }
  }

  async #learn(hash: string): Promise<void> {
    if (this.#plans.has(hash)) return;
    const bytes = await this.#reader.plan(hash);
    if (bytes !== null) this.#plans.set(hash, decodePlan(bytes));
  }

  /** Null: nothing was declared before the end of the period. `number`: where it stands beside the timeline. */
  end(number: number | undefined): RecordEvidence | null {
    const { declared } = this.#state;
    if (declared === null) return null;
    const state = this.#state.number === undefined && number !== undefined ? { ...this.#state, number } : this.#state;
    return {
      ...{ state, asks: this.#asks, events: this.#events, count: this.#count, plans: this.#plans },
      deviations: [...this.#deviations, ...measuredDeviations(state)],
      figures: figuresOf(state),
      name: state.number === undefined ? this.#id : incidentName(state).toLowerCase(),
      closedAt: this.#closedAt ?? (declared.kind === "maintenance" ? state.resolvedAt : null),
    };
  }
}

export const FOLDERS = { real: "incidents", drill: "drills", maintenance: "maintenance" } as const;

/** How a run ended, in the words of a register. */
export function outcomeOf(run: RunState, asks: Asks): string {
  if (run.ending !== null) return run.ending.as === "verified" && run.dryRun ? "looked" : deniedOr(run, asks);
  if (run.stuck !== null) return "stuck";
  const last = asks.asks.findLast((one) => one.run === run.id);
  return last?.outcome === "denied" || last?.outcome === "expired" ? last.outcome : "open";
}

/** A run that was aborted because its approval was denied was denied. */
function deniedOr(run: RunState, { asks }: Asks): string {
  if (run.ending?.as === "verified") return "verified";
  const last = asks.findLast((one) => one.run === run.id);
  if (last?.outcome === "denied") return "denied";
  return run.ending?.as ?? "open";
}
