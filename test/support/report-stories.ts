import type { Plan } from "../../src/catalog/types.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import * as scenarios from "./incident-states.ts";
import { failover, orders, seen } from "./orders-system.ts";
import { RecordedIncident } from "./recorded-incident.ts";

/** Whole records, as post-mortems are made of: each has come to its end. */

const RUN = "run-4hx8w2pd";

/** The orders' shop in its own time zone. */
export const berlin = { ...orders, timezone: "Europe/Berlin" };

/** One gate, and the old primary as standby of the new one. */
export function rejoinStages(): Plan["stages"] {
  const [decide, switching] = failover.stages;
  const fence = switching?.steps[0];
  if (!decide || fence?.kind !== "action") throw new Error("The plan of the orders decides and fences.");
  const rejoin = { ...fence, id: "rejoin", title: "Rebuild the old primary as standby", action: "postgres.rejoin" };
  const last = {
    id: "again",
    title: "Protect again",
    parallel: false,
    steps: [{ ...rejoin, service: "aside" as const }],
  };
  return [decide, last];
}

/** A switchover on purpose, in maintenance: fenced, drained, promoted, and a standby rebuilt at the end. */
export function planned(): RecordedIncident {
  const [decide, switching, check] = failover.stages;
  if (!decide || !switching || !check) throw new Error("The plan of the orders has three stages.");
  const [fence, promote] = switching.steps;
  if (fence?.kind !== "action" || promote?.kind !== "action") throw new Error("It fences and promotes.");
  const plan: Plan = {
    ...failover,
    mode: "planned",
    title: "Switch the orders database over",
    afterwards: [],
    stages: [
      decide,
      {
        ...switching,
        steps: [
          { ...fence, service: "interrupts" },
          { ...promote, service: "interrupts" },
        ],
      },
      check,
      ...rejoinStages().slice(1),
    ],
  };
  const story = new RecordedIncident(berlin).ask("ana", {
    ...{ type: "declare", title: "Switch the orders database over", system: "orders", severity: "P2" },
    ...{ kind: "maintenance", impactStartedAt: null, announceIn: null },
  } as const);
  return story
    .request("ana", plan)
    .after(4)
    .engine({ type: "run.preflighted", data: { ...seen, loss: "nothing" } })
    .open("go", "ask-first")
    .after(130)
    .ask("bo", { type: "approve", run: RUN, ask: "ask-first" })
    .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["bo"] } })
    .step("fence", 2, "The old primary accepts no more writes.")
    .step("promote", 6, "The standby takes writes on timeline 4.", {
      ...{ subject: "orders", seconds: 0, rows: 0, method: "positions in the log after the fence" },
    })
    .step("verify", 2, "An order was placed and read back.")
    .step("rejoin", 41, "The old primary streams from the new one.")
    .engine({ type: "run.verified", data: { dryRun: false } });
}

/** The night with a loss, in which what was lost is known and an update went out late. */
export function unplannedWithLoss(): RecordedIncident {
  const story = scenarios.byHand();
  // The loss was measured against the newest write that was kept.
  const promoted = story.events.findLast(
    ({ type, data }) => type === "step.verified" && (data as { step: string }).step === "promote",
  );
  const kept = { keptUntil: "2026-11-21T02:40:52.800Z" };
  if (promoted) Object.assign((promoted.data as { rpo: object }).rpo, kept);
  return story
    .after(90)
    .ask("bo", { type: "confirmStep", run: RUN, step: "tell-provider", note: "They confirmed at 02:53." })
    .step("verify", 2, "An order was placed and read back.")
    .engine({ type: "run.verified", data: { dryRun: false } })
    .engine(
      { type: "comms.late", data: { due: "first/1", kind: "firstNotice", dueAt: "2026-11-21T02:59:00.000Z" } },
      null,
    )
    .after(240)
    .ask("vera", {
      type: "note",
      text: "First alert came in",
      happenedAt: new Date("2026-11-21T02:42:10Z"),
      link: null,
    })
    .ask("bo", { type: "resolve", summary: "Frankfurt lost power; orders run from Dublin." });
}

/** Refused once, asked again, approved, and a dry run before all of it. */
export function deniedAndAskedAgain(): RecordedIncident {
  const story = scenarios.declared().request("ana", failover, { run: "run-dry00000", dryRun: true }).after(3);
  return story
    .engine({ type: "run.preflighted", data: seen }, "run-dry00000")
    .engine({ type: "run.verified", data: { dryRun: true } }, "run-dry00000")
    .after(50)
    .request("ana", failover)
    .after(4)
    .engine({ type: "run.preflighted", data: seen })
    .open("go", "ask-first")
    .after(40)
    .ask("bo", { type: "deny", run: RUN, ask: "ask-first", reason: "Is the provider back?" })
    .after(60)
    .ask("bo", { type: "retryStep", run: RUN, step: "go" })
    .after(2)
    .engine({ type: "run.preflighted", data: seen })
    .open("go", "ask-second")
    .after(25)
    .ask("vera", { type: "approve", run: RUN, ask: "ask-second" })
    .ask("bo", { type: "approve", run: RUN, ask: "ask-second" })
    .engine({ type: "gate.passed", data: { step: "go", ask: "ask-second", people: ["vera"] } })
    .step("fence", 4, "The old primary accepts no more writes.")
    .step("promote", 9, "The standby takes writes on timeline 4.", {
      ...{ subject: "orders", seconds: 3.2, rows: 12, method: "heartbeat table at promotion" },
    })
    .engine({ type: "step.opened", data: { step: "tell-provider", until: null } })
    .after(30)
    .ask("bo", {
      type: "skipStep",
      run: RUN,
      step: "tell-provider",
      reason: "Their hotline is busy",
    })
    .step("verify", 2, "An order was placed and read back.")
    .engine({ type: "run.verified", data: { dryRun: false } })
    .after(60)
    .ask("bo", { type: "resolve", summary: null });
}

/** A drill in the drill environment that took longer than it should. */
export function drill(): RecordedIncident {
  const plan: Plan = { ...failover, kind: "drill", drill: { on: "environment" }, rtoSeconds: 60 };
  return new RecordedIncident(berlin)
    .ask("ana", {
      ...{ type: "declare", title: "Quarterly failover drill", system: "orders", severity: "P2", kind: "drill" },
      ...{ impactStartedAt: null, announceIn: null },
    } as const)
    .request("ana", plan)
    .after(3)
    .engine({ type: "run.preflighted", data: seen })
    .open("go", "ask-first")
    .after(75)
    .ask("bo", { type: "approve", run: RUN, ask: "ask-first" })
    .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["bo"] } })
    .step("fence", 4, "The old primary accepts no more writes.")
    .step("promote", 9, "The standby takes writes on timeline 4.")
    .engine({ type: "step.opened", data: { step: "tell-provider", until: null } })
    .ask("bo", { type: "confirmStep", run: RUN, step: "tell-provider", note: null })
    .step("verify", 2, "An order was placed and read back.")
    .engine({ type: "run.verified", data: { dryRun: false } })
    .ask("bo", { type: "resolve", summary: null });
}

/** The first run is aborted half-way; a second one recovers. */
export function secondAttempt(): RecordedIncident {
  const again: Plan = { ...failover, resources: ["postgres:10.1.0.5:5432/orders"] };
  const second = "run-second00";
  const story = scenarios.aborted().after(20);
  story.plans.set(hashOf(again), again);
  return story.request("bo", again, { run: second }).after(5).engine({ type: "run.preflighted", data: seen }, second);
}
