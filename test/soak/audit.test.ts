import { expect, test } from "@jest/globals";
import { type Answer, auditNotes, type Evidence } from "./audit.ts";

const NOT_KEPT = "Lifeboat could not write this down, so nothing was done. Please try again.";
const note = { mark: "mark-1", user: "USAM", at: 10_000, acknowledgedAt: 11_000 };

function complaints({
  timeline = [],
  heard = [],
  told = [],
}: {
  readonly timeline?: readonly string[];
  readonly heard?: readonly string[];
  readonly told?: readonly Answer[];
}): readonly string[] {
  const events = timeline.map((data) => ({ type: "incident.noted", data }));
  const on = { database: { streams: new Map([["inc-1", { events }]]) } } as unknown as Evidence["on"];
  return auditNotes({ on, notes: [note], heard, toldTo: () => told }).map(({ says }) => says);
}

test("a note on the timeline once is right, and twice is wrong", () => {
  expect(complaints({ timeline: ["Seen: mark-1"], heard: ["mark-1"] })).toEqual([]);
  expect(complaints({ timeline: ["mark-1", "mark-1"] })).toEqual(["The note mark-1 stands there 2 times"]);
});

test("a note that was never kept is right where its own acknowledgement said so", () => {
  expect(complaints({ told: [{ at: 10_900, says: NOT_KEPT }] })).toEqual([]);
  expect(complaints({ heard: ["mark-1"], told: [{ at: 10_900, says: NOT_KEPT }] })).toEqual([]);
  expect(complaints({})).toEqual(["The note mark-1 of USAM was acknowledged, and was never in the inbox"]);
  for (const told of [
    { at: 9000, says: NOT_KEPT },
    { at: 20_000, says: NOT_KEPT },
    { at: 10_900, says: "1 incident is open." },
  ])
    expect(complaints({ told: [told] })).toHaveLength(1);
});

test("a note that was heard is on the timeline, or its author was told otherwise", () => {
  expect(complaints({ heard: ["mark-1"], told: [{ at: 12_000, says: "That was too long ago." }] })).toEqual([]);
  const nowhere = ["The note mark-1 of USAM was heard, and stands nowhere"];
  expect(complaints({ heard: ["mark-1"] })).toEqual(nowhere);
  expect(
    complaints({ heard: ["mark-1"], told: [{ at: 12_000, says: "Noted on the timeline of INC-1: mark-2" }] }),
  ).toEqual(nowhere);
});

test("who was told that it is noted finds it on the timeline", () => {
  const told = [
    { at: 10_900, says: NOT_KEPT },
    { at: 12_000, says: "Noted on the timeline of INC-1: Seen by USAM: mark-1" },
  ];
  expect(complaints({ heard: ["mark-1"], told })).toEqual([
    "USAM was told that mark-1 is noted, and it stands nowhere",
  ]);
});
