import { describe, expect, test } from "@jest/globals";
import type { PlanStep, System } from "../../src/catalog/types.ts";
import { answerAhead } from "../../src/incident/ahead.ts";
import type { ApprovalAhead } from "../../src/incident/events.ts";
import { openGate } from "../../src/incident/gates.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { action, gate, IncidentScenario, plan, rosterWith } from "../support/incident-scenario.ts";

/** A nightly backup, requested by Ana in the organiser's place, whose plan Bo approved at noon the day before. */
const given: ApprovalAhead = {
  ...{ person: "bo", role: "database-administrator", proved: false, vouchedBy: null, version: 7 },
  ...{ at: "2026-02-28T12:00:00.000Z", until: "2026-05-29T12:00:00.000Z" },
};

class Night extends IncidentScenario {
  /** The run is requested and looked at; the gate isn't asked yet. */
  begin(
    approvals: readonly ApprovalAhead[] = [given],
    steps: readonly PlanStep[] = [gate("go"), action("copy")],
  ): this {
    const of = plan([steps]);
    this.plans.set(hashOf(of), of);
    this.declared("maintenance").at(10);
    const asked = { run: "run-1", plan: of, planHash: hashOf(of), mode: of.mode, dryRun: false, announceIn: null };
    this.asks("ana", { type: "requestRun", ...asked, ahead: { occasion: "nightly", approvals } });
    return this.at(20).preflighted();
  }

  asked(system: System = this.system, more: Partial<Parameters<typeof openGate>[2]> = {}, ask = "ask-1"): this {
    const opened = openGate(this.run(), "go", { ask, now: this.now, key: ask, system, ...more });
    return this.write(answerAhead(this.run(), opened, system, this.now));
  }

  /** Approvals of the gate, as the state has them. */
  get approvers(): readonly string[] {
    const step = this.run().steps.get("go");
    return step?.status === "gate" ? step.gate.approvals.map(({ person }) => person) : [];
  }
}

const quiet = (night: Night) => night.run().needed !== true;

describe("a run whose plan was approved ahead", () => {
  test("its gate is answered as it is asked, its start passes it, and it says whose approval it used", () => {
    const night = new Night().begin().asked();
    expect(night.run().steps.get("go")).toMatchObject({
      gate: {
        ahead: true,
        approvals: [{ person: "bo", ahead: { at: new Date(given.at), until: new Date(given.until) } }],
      },
    });
    expect(night.log.findLast(({ type }) => type === "gate.approved")?.data).toMatchObject({
      ...{ person: "bo", role: "database-administrator", planHash: night.run().planHash },
      ahead: { occasion: "nightly", at: given.at, until: given.until, version: 7 },
    });
    expect(night.at(21).mayStart("copy")).toMatchObject({ ok: true });
    expect(quiet(night)).toBe(true);
  });

  const two = [gate("go", { quorum: 2 }), action("copy")];
  const coded = [gate("go", { stepUp: true }), action("copy")];
  test.each<{ why: string; approvals?: readonly ApprovalAhead[]; system?: System; steps?: readonly PlanStep[] }>([
    { why: "who gave it requests the run", approvals: [{ ...given, person: "ana" }] },
    { why: "its time is over", approvals: [{ ...given, until: "2026-03-01T00:00:20.000Z" }] },
    { why: "who gave it isn't on the roster", approvals: [{ ...given, person: "zed" }] },
    { why: "who gave it has lost the role", system: rosterWith("bo", { roles: ["on-call"] }) },
    { why: "the role decides nothing here", approvals: [{ ...given, person: "tess", role: "cto" }] },
    { why: "two are asked for", steps: two },
    { why: "a code is asked for, and none was given", steps: coded },
  ])("people are asked where $why", ({ approvals, system, steps }) => {
    const night = new Night().begin(approvals, steps).asked(system);
    expect(night.approvers).toEqual([]);
    expect(night.at(21).mayStart("copy")).toMatchObject({ ok: false, code: "quorum-missing" });
    expect(quiet(night)).toBe(false);
  });

  test("as many as the gate asks for answer it", () => {
    const both = [given, { ...given, person: "cy" }];
    expect(new Night().begin(both, two).asked().approvers).toEqual(["bo", "cy"]);
  });

  test("what wasn't in the plan is for people: an unfenced server, a difference from the catalogue", () => {
    const night = new Night().begin();
    const opened = openGate(night.run(), "go", { ask: "a", now: night.now, key: "a", system: night.system });
    const types = (data: object) =>
      answerAhead(night.run(), { ...opened, data: { ...opened.data, ...data } }, night.system, night.now).map(
        ({ type }) => type,
      );
    expect(types({})).toEqual(["gate.opened", "gate.approved"]);
    expect(types({ unfenced: ["orders-a"] })).toEqual(["gate.opened"]);
    expect(types({ differs: ["it uses another secret"] })).toEqual(["gate.opened"]);
    expect(types({ today: { roles: ["vp-engineering"], stepUp: false } })).toEqual(["gate.opened"]);
    expect(types({ planHash: "another" })).toEqual(["gate.opened"]);
  });

  test("who has left by the start counts for nothing: it is void, asked again, and then of people", () => {
    const night = new Night().begin().asked();
    const verdict = night.at(21).mayStart("copy", { accounts: new Map([["bo", "deactivated"]]) });
    expect(verdict).toMatchObject({ ok: false, code: "gate-voided" });
    night.write(verdict.events).at(22).asked(undefined, {}, "ask-2");
    expect([night.approvers, quiet(night)]).toEqual([[], false]);
  });

  test("what fails stays for people to see, also once it is mended", () => {
    const night = new Night().begin().asked().at(21).started("copy");
    expect(quiet(night)).toBe(true);
    const problem = { code: "disk-full", what: "No room" };
    night.happened({ type: "step.failed", data: { step: "copy", attempt: 1, problem, retryable: true, seconds: 1 } });
    expect(quiet(night)).toBe(false);
    night.happened({ type: "step.retried", data: { step: "copy" } }).done("copy");
    expect(quiet(night)).toBe(false);
  });
});
