import { actions, cards } from "../actions/index.ts";
import { conformanceOf } from "../catalog/conformance.ts";
import { drainSecondsOf } from "../catalog/drain.ts";
import { drillLimits } from "../catalog/drill.ts";
import { systemsById } from "../catalog/live.ts";
import { groundsOf } from "../command-context.ts";
import { createEngine } from "../engine/engine.ts";
import { createFaultLifter } from "../engine/fault-lifter.ts";
import type { EnginePorts } from "../engine/ports.ts";
import { createProbationMonitor } from "../engine/probation-monitor.ts";
import { createSplitBrainMonitor } from "../engine/split-brain-monitor.ts";
import { createTriageProber } from "../engine/triage-prober.ts";
import { prepareScripts, type ScriptUser } from "../script-host.ts";
import { createSchedule } from "../timeline/schedule.ts";
import type { Base } from "./base.ts";
import type { Worker } from "./worker.ts";

/** What actions are given: the same by the engine, the monitors and readiness. */
export interface ActionParts extends Pick<EnginePorts, "actions" | "secret" | "drillLimits" | "practice" | "log"> {
  readonly scriptUser?: ScriptUser;
}

export async function actionPartsOf({ config, catalog, context, secrets, log }: Base): Promise<ActionParts> {
  const scriptUser = await prepareScripts(config.scriptUser, catalog, log);
  return {
    actions,
    secret: secrets.forActions,
    drillLimits: drillLimits(() => groundsOf(context)),
    practice: config.practice,
    log,
    ...(scriptUser && { scriptUser }),
  };
}

/** What performs runs, and what looks at the systems during and after them. */
export interface RunWorkers {
  readonly engine: Worker;
  readonly splitBrain: Worker;
  readonly probation: Worker;
  readonly faultLifter: Worker;
  readonly prober: Worker;
  /** How long a stop waits for steps under way, s. */
  readonly drainSeconds: number;
}

export function createRunWorkers(base: Base, parts: ActionParts): RunWorkers {
  const { config, catalog, context, incidents, accountStatus, store } = base;
  const { timeline, leases, pool } = store;
  const drainSeconds = config.drainSeconds ?? drainSecondsOf(catalog, cards);
  const everySeconds = config.watchSeconds;
  return {
    drainSeconds,
    engine: createEngine({
      ...parts,
      timeline,
      leases,
      systems: systemsById(catalog),
      accountStatus,
      conformance: (plan, origin) => conformanceOf(plan, context, origin),
      settings: { drainMs: drainSeconds * 1000 },
    }),
    splitBrain: createSplitBrainMonitor({ ...parts, timeline, incidents, everySeconds }),
    probation: createProbationMonitor({
      ...parts,
      timeline,
      incidents,
      systems: () => catalog.systems,
      variables: (drill) => (drill && context.drillVariables) || context.variables,
      lookAt: (targets, drill) => context.lookAt?.(targets, drill) ?? Promise.resolve(new Map()),
      everySeconds,
    }),
    faultLifter: createFaultLifter({ ...parts, timeline, incidents, schedule: createSchedule(pool) }),
    prober: createTriageProber({ ...parts, timeline, incidents, catalog, cards, variables: () => context.variables }),
  };
}
