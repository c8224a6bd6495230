import { describe, expect, test } from "@jest/globals";
import { countsOf, repeated, shownTwice, stillAsked } from "../../../practice/session/year-record.ts";

let versions: Record<string, number> = {};

/** An event as it is recorded, the next of its stream. */
function event(type: string, data: object, { stream = "cal-practice", run = null as string | null, at = 0 } = {}) {
  versions[stream] = (versions[stream] ?? 0) + 1;
  const about = { key: `${type}/${versions[stream]}`, actor: { kind: "bot" }, at: new Date(at), hash: "", mac: null };
  return { ...about, stream, version: versions[stream] ?? 0, type, data, run, previousHash: "" } as never;
}

const drill = { occasion: "failover", slot: "2027-01-06T10:00:00.000Z" };

describe("what happens once", () => {
  test.each([
    ["a drill that is started", () => event("occasion.started", { ...drill, run: "run-1" })],
    ["a drill that is missed", () => event("occasion.missed", { ...drill, reason: "INC-1 is open" })],
    ["a reminder", () => event("occasion.reminded", drill)],
    ["a month's question", () => event("seats.asked", { round: "2027-01", people: ["toni-berg"] })],
    [
      "a step",
      () => event("step.started", { step: "fence", attempt: 1, epoch: "3" }, { stream: "inc-1", run: "run-1" }),
    ],
    ["a commit", () => event("run.committed", {}, { stream: "inc-1", run: "run-1" })],
    [
      "a probation whose time is over",
      () => event("probation.ended", { moved: false }, { stream: "inc-1", run: "run-1" }),
    ],
    ["a move that is replaced", () => event("probation.ended", { moved: true }, { stream: "inc-1", run: "run-1" })],
    ["a checkpoint", () => event("checkpoint.made", { checkpoint: 4 }, { stream: "anchors" })],
    ["a sign-off", () => event("record.signedOff", {}, { stream: "inc-1" })],
  ])("%s is named when it is recorded twice, and not when once", (_, made) => {
    versions = {};
    const one = made();
    expect(repeated([one])).toEqual([]);
    expect(repeated([one, made()])).toEqual([expect.stringMatching(/ is recorded 2 times$/)]);
  });

  test("a probation whose time is over and whose move is replaced later is none", () => {
    versions = {};
    const ended = (moved: boolean) => event("probation.ended", { moved }, { stream: "inc-1", run: "run-1" });
    expect(repeated([ended(false), ended(true)])).toEqual([]);
  });

  test("a step that another process takes over is none, and a gap in a timeline is one", () => {
    versions = {};
    const of = { stream: "inc-1", run: "run-1" };
    const begun = (epoch: string) => event("step.started", { step: "fence", attempt: 1, epoch }, of);
    const all = [begun("3"), begun("4"), begun("5")];
    expect(repeated(all)).toEqual([]);
    expect(repeated(all.toSpliced(1, 1))).toEqual(["inc-1 has a gap"]);
  });

  test("a message both bots posted is named, and one of the same name in another place is none", () => {
    const message = (channel: string, key: string) => ({ channel, metadata: { event_payload: { key } } });
    expect(shownTwice([message("C1", "a"), message("C1", "b"), message("C2", "a"), { channel: "C1" }])).toEqual([]);
    expect(shownTwice([message("C1", "a"), message("C1", "a")])).toEqual(["Slack shows a in C1 2 times"]);
  });
});

describe("who has left", () => {
  const left = new Date(1000);
  test.each([
    ["seats.asked", { round: "2027-02", people: ["toni-berg", "vera-lindqvist"] }],
    ["occasion.announced", { ...drill, people: ["vera-lindqvist"] }],
    ["seats.silent", { round: "2027-02", people: ["toni-berg"], told: ["vera-lindqvist"] }],
    ["gate.summoned", { step: "approve", level: 0, people: ["vera-lindqvist"] }],
  ])("is named when %s counts on them afterwards, and not before", (type, data) => {
    versions = {};
    const at = (time: number) => event(type, data, { at: time });
    expect(stillAsked([at(999)], "vera-lindqvist", left)).toEqual([]);
    expect(stillAsked([at(1000)], "toni-berg-2", left)).toEqual([]);
    expect(stillAsked([at(1001)], "vera-lindqvist", left)).toEqual([
      expect.stringMatching(new RegExp(`^${type} .* counts on vera-lindqvist`)),
    ]);
  });
});

test("what a year came to is counted from its record", () => {
  versions = {};
  const counts = countsOf([
    event("occasion.missed", { ...drill, reason: "INC-1 is open" }),
    event("readiness.changed", { to: "ready", unprovenSince: "2027-01-01T00:00:00.000Z" }, { stream: "rdy-practice" }),
    event("readiness.changed", { to: "notReady" }, { stream: "rdy-practice" }),
    event("run.requested", { failsBack: "run-1" }, { stream: "inc-1" }),
    event("run.requested", {}, { stream: "inc-1" }),
    event("anchor.placed", { checkpoint: 1, place: "slack" }, { stream: "anchors" }),
    event("anchor.placed", { checkpoint: 1, place: "email" }, { stream: "anchors" }),
  ]);
  expect(counts).toMatchObject({ events: 7, streams: 4, missed: 1, expired: 1, readinessChanges: 2, failedBack: 1 });
  expect(counts).toMatchObject({ anchored: 1, started: 0, committed: 0 });
});
