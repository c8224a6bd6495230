import { describe, expect, test } from "@jest/globals";
import type { ActionStep } from "../../src/catalog/types.ts";
import { recoveryOf } from "../../src/incident/recovery.ts";
import { serviceOf } from "../../src/incident/service.ts";
import { failover, IncidentScenario, MIDNIGHT } from "../support/incident-scenario.ts";

const impact = new Date(MIDNIGHT - 120_000);

/** Asked at 60, approved by Bo at 100 and Vera at 160, and everything done; the last step at 400, the run's end at 405. */
function recovered(impactStartedAt: Date | null, rpo: Loss | null, counted: Loss | null = null): IncidentScenario {
  const story = new IncidentScenario()
    .declared("real", impactStartedAt)
    .at(10)
    .requested(failover({ quorum: 2 }))
    .at(20);
  story.preflighted().done("check").at(60).gateOpened();
  story.at(100).approve("bo");
  story.at(160).approve("vera");
  story.at(165).starts("fence");
  story.done("fence").at(300).started("promote");
  const data = { step: "promote", attempt: 1, says: "promoted", facts: [], rpo, seconds: 30 };
  story.happened({ type: "step.verified", data }).at(350).started("smoke");
  const smoke = { step: "smoke", attempt: 1, says: "counted", facts: [], rpo: counted, seconds: 1 };
  story.happened({ type: "step.verified", data: smoke });
  story.happened({ type: "step.opened", data: { step: "tell", until: null } }).at(400);
  story.asks("oli", { type: "confirmStep", run: "run-1", step: "tell", note: null });
  return story.at(405).happened({ type: "run.verified", data: { dryRun: false } });
}

interface Loss {
  subject: string;
  seconds: number | null;
  rows: number | null;
  method: string;
  keptUntil?: string;
}
const unknown: Loss = { subject: "orders", seconds: null, rows: null, method: "the primary is silent" };
const counted: Loss = { subject: "orders", seconds: 2, rows: 40, method: "ledger" };

const of = (story: IncidentScenario) => recoveryOf(story.state, story.run());

describe("a recovery took", () => {
  test("from the impact to the last step seen to be done", () => {
    expect(of(recovered(impact, null))).toMatchObject({
      from: "impact",
      rtoSeconds: 520,
      objectiveSeconds: 900,
      met: true,
    });
  });

  test("from the declaration, where no one knows the impact", () => {
    expect(of(recovered(null, null))).toMatchObject({ from: "declaration", rtoSeconds: 400, met: true });
  });

  test("too long, when it was longer than the objective", () => {
    expect(of(recovered(new Date(MIDNIGHT - 501_000), null))).toMatchObject({ rtoSeconds: 901, met: false });
    expect(of(recovered(new Date(MIDNIGHT - 500_000), null))).toMatchObject({ rtoSeconds: 900, met: true });
  });

  test("an unknown time, while it is not verified", () => {
    expect(of(IncidentScenario.asking())).toMatchObject({ verifiedAt: null, rtoSeconds: null, met: null });
  });

  test("no time at all, when it was a dry run", () => {
    const story = new IncidentScenario().declared().requested(failover(), { dryRun: true }).preflighted();
    expect(of(story.happened({ type: "run.verified", data: { dryRun: true } }))).toMatchObject({
      rtoSeconds: null,
      met: null,
    });
  });
});

describe("a planned run took", () => {
  /** Asked at 60 and approved at 800; the fence begins at 805 and the promotion is seen at 835; the last look ends at 890. */
  function switched(): IncidentScenario {
    const story = new IncidentScenario()
      .declared("maintenance")
      .at(10)
      .requested({ ...failover(), mode: "planned" })
      .at(20);
    story.preflighted().done("check").at(60).gateOpened();
    story.at(800).approve("bo");
    story.at(805).starts("fence");
    story.at(810).done("fence").at(815).started("promote");
    story.at(835).done("promote");
    return story.at(885).started("smoke").at(890).done("smoke");
  }

  test("as long as no one was served, and not as long as people needed to decide", () => {
    const story = switched().happened({ type: "step.opened", data: { step: "tell", until: null } });
    story.asks("oli", { type: "confirmStep", run: "run-1", step: "tell", note: null });
    story.at(900).happened({ type: "run.verified", data: { dryRun: false } });
    expect(of(story)).toMatchObject({ from: "interruption", rtoSeconds: 30, met: true });
    expect(story.state).toMatchObject({ status: "closed", declared: { kind: "maintenance" } });
  });

  test("nothing of the objective yet, while it is decided", () => {
    const story = new IncidentScenario()
      .declared("maintenance")
      .requested({ ...failover(), mode: "planned" })
      .preflighted();
    expect(of(story)).toMatchObject({ startedAt: null, rtoSeconds: null });
  });
});

test("what interrupts is what an action said of itself; in plans of 0.1 its name says it", () => {
  const step = (action: string, more: object = {}) => serviceOf({ action, risk: "reversible", ...more } as ActionStep);
  expect(step("patroni.pause", { service: "aside" })).toBe("aside");
  expect(step("kubernetes.scale", { service: "interrupts" })).toBe("interrupts");
  expect(step("postgres.check", { risk: "read" })).toBeNull();
  expect([step("postgres.fence"), step("postgres.rejoin"), step("compose.start")]).toEqual([
    "interrupts",
    "aside",
    "restores",
  ]);
});

describe("a recovery lost", () => {
  test("what was counted later, when it could not be measured at first", () => {
    expect(of(recovered(null, unknown, counted)).rpo).toMatchObject(counted);
  });

  test("what was counted, when a later look tells less", () => {
    expect(of(recovered(null, counted, unknown)).rpo).toMatchObject(counted);
  });

  test("everything after a moment that stays known when the rows are counted later", () => {
    const first = { ...unknown, keptUntil: "2026-03-01T00:02:05.000Z" };
    expect(of(recovered(null, first)).rpo).toMatchObject({ seconds: null, keptUntil: first.keptUntil });
    expect(of(recovered(null, first, counted)).rpo).toMatchObject({ ...counted, keptUntil: first.keptUntil });
  });

  test("more than anyone knows, when another target's loss is unknown", () => {
    const other = { ...unknown, subject: "invoices" };
    expect(of(recovered(null, counted, other)).rpo).toMatchObject(other);
  });

  test.each([
    ["what was measured", { subject: "orders", seconds: 3, rows: 12, method: "heartbeat" }, true],
    ["more than the objective", { subject: "orders", seconds: 61, rows: null, method: "heartbeat" }, false],
    [
      "nobody knows what",
      { subject: "orders", seconds: null, rows: null, method: "the primary does not answer" },
      null,
    ],
  ])("%s", (_given, rpo, met) => {
    expect(of(recovered(null, rpo))).toMatchObject({
      rpo: { step: "promote", ...rpo },
      rpoObjectiveSeconds: 60,
      rpoMet: met,
    });
  });

  test("nothing that was measured, when no step measured it", () => {
    expect(of(recovered(null, null))).toMatchObject({ rpo: null, rpoMet: null });
  });
});

test("people were waited for, from the first question to the decision", () => {
  expect(of(recovered(null, null)).waits).toMatchObject([
    {
      step: "go",
      outcome: "passed",
      waitedSeconds: 105,
      people: [
        { person: "bo", role: "database-administrator", waitedSeconds: 40 },
        { person: "vera", role: "vp-engineering", waitedSeconds: 100 },
      ],
    },
  ]);
  expect(of(IncidentScenario.asking()).waits).toMatchObject([
    { step: "go", outcome: "open", decidedAt: null, waitedSeconds: null },
  ]);
});
