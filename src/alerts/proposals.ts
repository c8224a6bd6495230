import { isFiring } from "../incident/alerts.ts";
import type { NewEvent } from "../incident/events.ts";
import type { AlertState, IncidentState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createProjector, type Projector } from "../projection/projector.ts";
import type { Timeline } from "../timeline/contract.ts";

/** What a look found, a clause each. `ok` false: the runbook can't be started as things are, and `says` why. */
export interface Looked {
  readonly ok: boolean;
  readonly says: readonly string[];
}

/** Read-only; it may reject, or not answer in time. */
export type LookAtProposal = (
  about: { readonly system: string; readonly runbook: string; readonly mode: "planned" | "unplanned" },
  signal: AbortSignal,
) => Promise<Looked>;

export interface ProposalsOptions {
  readonly timeline: Pick<Timeline, "decide" | "follow">;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp" | "decide">;
  readonly look: LookAtProposal;
  readonly log: Logger;
  /** How long a look may take; 15 if left out. */
  readonly lookSeconds?: number;
}

const LOOK_SECONDS = 15;
const CLAUSES = 6;

/**
 * Looks at what an alert's runbook would act on before people are offered it. Which alert waits for a look is on the timeline, so it survives a restart;
 * several processes may look, and the first answer counts. It starts nothing.
 */
export function createProposals(options: ProposalsOptions): Projector {
  const { timeline, incidents, log, lookSeconds = LOOK_SECONDS } = options;
  const projector = createProjector({
    name: "alert-proposals",
    timeline,
    log,
    async look(stream) {
      const state = await incidents.read(stream);
      for (const alert of waiting(state)) await lookAt(state, alert);
    },
    missed: async () => (await incidents.toCatchUp()).filter(({ over }) => !over).map(({ id }) => id),
  });
  const { stopping } = projector;

  async function lookAt(state: IncidentState, alert: AlertState): Promise<void> {
    const looked = await look(state, alert);
    if (stopping.aborted) return;
    await incidents.decide(state.id, (now) => {
      const known = now.alerts?.get(alert.alert);
      const waits = known !== undefined && waiting(now).includes(known) && keyOf(now, known) === keyOf(state, alert);
      const event: NewEvent = {
        type: "alert.looked",
        data: {
          alert: alert.alert,
          ok: looked.ok,
          says: looked.says.slice(0, CLAUSES).map((one) => one.slice(0, 300)),
        },
        key: keyOf(state, alert),
        actor: { kind: "bot" },
      };
      return { events: waits ? [event] : [], value: null };
    });
  }

  /** What can't be looked at is offered all the same, and says so: the run looks again before anyone is asked. */
  async function look({ declared }: IncidentState, { runbook }: AlertState): Promise<Looked> {
    const [mode = "unplanned"] = runbook?.modes ?? [];
    const about = { system: declared?.system ?? "", runbook: runbook?.id ?? "", mode };
    try {
      return await withDeadline("The look", lookSeconds, (signal) => options.look(about, signal), stopping);
    } catch (error) {
      return { ok: true, says: [`Not checked: ${messageOf(error)}`] };
    }
  }

  return projector;
}

function waiting(state: IncidentState): readonly AlertState[] {
  if (state.resolvedAt !== null) return [];
  return [...(state.alerts?.values() ?? [])].filter(
    (alert) => isFiring(alert) && alert.runbook !== null && alert.looked === null,
  );
}

/** Once for each time it began to fire. */
function keyOf({ id }: IncidentState, { alert, starts }: AlertState): string {
  return `alert/looked/${id}/${alert}/${starts.at(-1)?.getTime() ?? 0}`;
}
