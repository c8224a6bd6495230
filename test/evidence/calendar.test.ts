import { describe, expect, test } from "@jest/globals";
import type { Policy } from "../../src/catalog/policy.ts";
import { unknownPolicy } from "../../src/catalog/policy.ts";
import type { Occasion } from "../../src/catalog/types.ts";
import { CalendarRecords, complianceOf, duesOf } from "../../src/evidence/calendar.ts";
import type { RunFigures } from "../../src/incident/figures.ts";

const quarterly: Occasion = {
  ...{ id: "quarterly", title: "Quarterly failover", runbook: "failover", mode: "planned", kind: "drill" },
  ...{ schedule: "0 10 1 1,4,7,10 *", cron: "0 10 1 1,4,7,10 *", timezone: "UTC", takesSeconds: 3600, tells: [] },
  ...{ audiences: [], unannounced: false, environment: null, checklist: null, afterwards: null, organiser: null },
};
const review: Occasion = { ...quarterly, id: "review", runbook: null, mode: null, kind: "review" };
const policy = (calendar: readonly Occasion[]): Policy => ({ ...unknownPolicy("orders"), calendar });
const version = (calendar: readonly Occasion[], since: string | null) => ({
  ...{ policy: policy(calendar), hash: "", since: since === null ? null : new Date(since), file: "" },
});
const year = { from: new Date("2026-01-01T00:00:00Z"), to: new Date("2026-11-01T00:00:00Z"), system: null };

function verified(at: string, mode: RunFigures["mode"] = "planned"): RunFigures {
  return {
    ...{ system: "orders", record: "inc-1", kind: "drill", run: "run-1", runbook: "failover", title: "", mode },
    ...{ at: new Date(at), outcome: "verified", rtoFrom: "declaration", parts: null },
    ...{ rto: { seconds: 1, objective: 2, met: true } },
    rpo: { seconds: null, objective: null, met: null, rows: null, method: null },
  };
}

const statuses = (figures: readonly RunFigures[], records = new CalendarRecords(), calendar = [quarterly]) =>
  duesOf("orders", [version(calendar, "2025-01-01T00:00:00Z")], figures, records, year).map(
    ({ at, status }) => `${at.toISOString().slice(0, 10)} ${status}`,
  );

describe("what became of what was due", () => {
  test("follows from runs: half a period early counts, another mode doesn't, and what is not over is planned", () => {
    expect(statuses([verified("2026-03-01T00:00:00Z"), verified("2026-07-02T00:00:00Z", "unplanned")])).toEqual([
      "2026-01-01 unknown",
      "2026-04-01 done",
      "2026-07-01 missed",
      "2026-10-01 planned",
    ]);
  });

  test("is unknown where no runbook says so", () => {
    expect(statuses([], new CalendarRecords(), [review]).slice(1, 3)).toEqual([
      "2026-04-01 unknown",
      "2026-07-01 unknown",
    ]);
  });

  test("is what the calendar recorded, where it did", () => {
    const records = new CalendarRecords();
    const slot = (month: string) => `2026-${month}-01T10:00:00.000Z`;
    records.take("cal-orders", "occasion.missed", {
      occasion: "quarterly",
      slot: slot("04"),
      reason: "No one came",
      run: null,
    });
    records.take("cal-orders", "occasion.done", { occasion: "quarterly", slot: slot("07"), run: null, note: null });
    records.take("cal-orders", "occasion.postponed", {
      occasion: "quarterly",
      slot: slot("10"),
      to: "2026-10-09",
      reason: "Freeze",
    });
    records.take("cal-other", "occasion.done", { occasion: "quarterly", slot: slot("01"), run: null, note: null });
    const dues = duesOf("orders", [version([quarterly], null)], [verified("2026-04-02T00:00:00Z")], records, year);
    expect(dues.map(({ status, recorded, reason }) => ({ status, recorded, reason }))).toEqual([
      { status: "unknown", recorded: false, reason: null },
      { status: "missed", recorded: true, reason: "No one came" },
      { status: "done", recorded: true, reason: null },
      { status: "planned", recorded: true, reason: "Freeze" },
    ]);
    expect(complianceOf(dues)).toEqual({ done: 1, of: 2 });
  });

  test("names the run the calendar started for it, whatever else counted for the same date", () => {
    const about = { occasion: "quarterly", slot: "2026-07-01T10:00:00.000Z" };
    const take = (...events: readonly (readonly [type: string, run: string])[]) => {
      const records = new CalendarRecords();
      for (const [type, run] of events) records.take("cal-orders", type, { ...about, run });
      return records.of("orders", "quarterly", new Date(about.slot));
    };
    const started = ["occasion.started", "run-1"] as const;
    const [own, other] = [["occasion.done", "run-1"] as const, ["occasion.done", "run-2"] as const];
    expect(take(started, own, other)).toMatchObject({ status: "done", run: "run-1" });
    expect(take(other, started, own)).toMatchObject({ status: "done", run: "run-1" });
    expect(take(other, ["occasion.done", "run-3"])).toMatchObject({ status: "done", run: "run-2" });
    expect(take(started, ["occasion.missed", "run-1"])).toMatchObject({ status: "missed", run: "run-1" });
  });

  test("counts by the calendar that was in force on the day", () => {
    const versions = [version([quarterly], "2025-01-01T00:00:00Z"), version([], "2026-05-01T00:00:00Z")];
    const dues = duesOf("orders", versions, [], new CalendarRecords(), year);
    expect(dues.map(({ at }) => at.toISOString().slice(0, 10))).toEqual(["2026-01-01", "2026-04-01"]);
  });
});
