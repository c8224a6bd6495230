import type { Moves, Plan } from "../../src/catalog/types.ts";
import type { ProbationLook } from "../../src/incident/events.ts";
import { failover, orders, seen } from "./orders-system.ts";
import { RecordedIncident } from "./recorded-incident.ts";

export const MOVES: Moves = {
  ...{ target: "database", title: "Orders database", probationSeconds: 1800, reprotect: "database-rejoin" },
};

/** What is left of the failover once it has moved: one look, from Frankfurt to Dublin. */
export const moving: Plan = {
  ...failover,
  mode: "planned",
  resources: ["postgres:orders-a", "postgres:orders-b"],
  direction: {
    ...{ from: { id: "eu-central", title: "Frankfurt" }, to: { id: "eu-west", title: "Dublin" } },
    ...{ basis: "seen", says: "orders-a takes writes" },
  },
  stages: failover.stages.slice(-1),
};
const RUN = "run-4hx8w2pd";

/** Verified, and watched for half an hour. */
export function watched(moves: Moves = MOVES): RecordedIncident {
  return new RecordedIncident(orders)
    .ask("ana", {
      ...{ type: "declare", title: "Orders cannot be placed", system: "orders", severity: "P1", kind: "real" },
      ...{ impactStartedAt: null, announceIn: "C0INCIDENTS" },
    })
    .request("ana", moving, { moves })
    .engine({ type: "run.preflighted", data: seen })
    .step("verify", 2, "An order was placed and read back.")
    .engine({ type: "run.verified", data: { dryRun: false } });
}

const look = (more: Partial<ProbationLook> = {}): ProbationLook => ({
  ...{ healthy: true, says: [], asked: 8, failed: 0, ...more },
});

export function watchedHealthy(): RecordedIncident {
  return watched()
    .after(15)
    .engine({ type: "standby.missing", data: { says: "nothing follows orders-b (orders-b takes writes)" } })
    .engine({ type: "probation.changed", data: look() });
}

export function watchedUnhealthy(): RecordedIncident {
  const says = ["https://orders.example/health answered 503"];
  return watchedHealthy()
    .after(300)
    .engine({ type: "probation.changed", data: look({ healthy: false, says, asked: 40, failed: 6 }) });
}

export function probationOver(): RecordedIncident {
  return watchedHealthy()
    .after(1800)
    .engine({ type: "probation.ended", data: { ...look({ asked: 240 }), moved: false } });
}

export function committed(): RecordedIncident {
  return probationOver().after(20).ask("bo", { type: "commit", run: RUN, reason: null });
}

/** Moved again, by another run: while it wasn't healthy, and after its window. */
export function movedWhileUnhealthy(): RecordedIncident {
  return watchedUnhealthy()
    .after(60)
    .engine({ type: "probation.ended", data: { ...look({ healthy: false, asked: 40, failed: 6 }), moved: true } });
}

export function movedAfterwards(): RecordedIncident {
  return probationOver()
    .after(3600)
    .engine({ type: "probation.ended", data: { ...look({ asked: 240 }), moved: true } });
}

export function movedAfterCommit(): RecordedIncident {
  return committed()
    .after(3600)
    .engine({ type: "probation.ended", data: { ...look({ asked: 240 }), moved: true } });
}

export function movedWhileWell(): RecordedIncident {
  return watchedHealthy()
    .after(60)
    .engine({ type: "probation.ended", data: { ...look({ asked: 40 }), moved: true } });
}
