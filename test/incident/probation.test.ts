import { describe, expect, test } from "@jest/globals";
import { decide } from "../../src/incident/decide.ts";
import { moveOf, type RecentMove } from "../../src/incident/moves.ts";
import { isOnProbation, type Look, movedOn, seenAt, windowEnd } from "../../src/incident/probation.ts";
import type { RunState } from "../../src/incident/state.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { orders } from "../support/orders-system.ts";
import {
  committed,
  MOVES,
  moving,
  probationOver,
  watched,
  watchedHealthy,
  watchedUnhealthy,
} from "../support/probation-states.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";

const run = (story: RecordedIncident) => story.state.runs.get("run-4hx8w2pd") as RunState;
const well: Look = { healthy: true, says: [], standby: null, asked: 9, failed: 0 };
const typesAt = (story: RecordedIncident, look: Look, seconds = 0) =>
  seenAt(run(story), look, new Date(story.now.getTime() + seconds * 1000)).map(({ type }) => type);

function ask(story: RecordedIncident, person: string, command: Parameters<typeof decide>[0]) {
  return decide(command, story.state, {
    ...{ now: story.now, actor: story.actor(person), blocked: null, system: orders, key: "k" },
  });
}

describe("the window after a move", () => {
  test("is open from the end of the run; 0 is none", () => {
    expect(windowEnd(run(watched()))?.getTime()).toBe((run(watched()).endedAt?.getTime() ?? 0) + 1_800_000);
    expect(windowEnd(run(watched({ ...MOVES, probationSeconds: 0 })))).toBeNull();
    expect(isOnProbation(run(watched()))).toBe(true);
    expect(isOnProbation(run(committed()))).toBe(false);
  });

  test("records the first look and every change, and nothing for a look that sees the same", () => {
    expect(typesAt(watched(), well)).toEqual(["probation.changed"]);
    expect(typesAt(watchedHealthy(), well)).toEqual([]);
    expect(typesAt(watchedHealthy(), { ...well, healthy: false, says: ["503"] })).toEqual(["probation.changed"]);
    expect(typesAt(watchedUnhealthy(), { ...well, healthy: false, says: ["503", "504"] })).toEqual([]);
    expect(typesAt(watchedUnhealthy(), well)).toEqual(["probation.changed"]);
  });

  test("records nothing of the health while no one is sure, not even that it ended", () => {
    const unsure: Look = { ...well, healthy: null, says: ["503"] };
    for (const story of [watched(), watchedHealthy()])
      for (const seconds of [0, 3600]) expect(typesAt(story, unsure, seconds)).toEqual([]);
    const gone = { streams: false, says: "nothing follows" };
    expect(typesAt(watched(), { ...unsure, standby: gone })).toEqual(["standby.missing"]);
  });

  test("remembers that it was not healthy; a check that failed while no one was sure is no such thing", () => {
    const healthy = { healthy: true, says: [], asked: 60, failed: 1 };
    const hiccup = watched().engine({ type: "probation.changed", data: healthy });
    expect(run(hiccup).probation?.wasUnhealthy).toBe(false);
    const again = watchedUnhealthy().engine({ type: "probation.changed", data: healthy });
    expect(run(again).probation?.wasUnhealthy).toBe(true);
    again.engine({ type: "probation.ended", data: { ...healthy, moved: false } });
    expect(run(again).probation?.wasUnhealthy).toBe(true);
  });

  test("ends with the first look after it, once; the standby is looked for beyond it", () => {
    expect(typesAt(watchedHealthy(), well, 1790)).toEqual(["probation.ended"]);
    const gone = { streams: false, says: "nothing follows" };
    expect(typesAt(probationOver(), { ...well, standby: gone })).toEqual([]);
    expect(typesAt(probationOver(), { ...well, standby: { streams: true, says: "orders-a follows" } })).toEqual([
      "standby.streams",
    ]);
  });
});

describe("commit", () => {
  const commit = (story: RecordedIncident, person = "bo", reason: string | null = null) =>
    ask(story, person, { type: "commit", run: "run-4hx8w2pd", reason });

  test("when the window is over and healthy, by who may steer the run, once", () => {
    expect(commit(probationOver())).toMatchObject({ kind: "accepted", events: [{ type: "run.committed" }] });
    expect(commit(probationOver(), "cleo")).toMatchObject({ kind: "refused", refusal: { code: "not-steering" } });
    expect(commit(committed())).toMatchObject({ kind: "refused", refusal: { code: "committed" } });
  });

  test("earlier, unhealthy or unseen only with a reason, which is recorded", () => {
    for (const story of [watched(), watchedHealthy(), watchedUnhealthy()]) {
      expect(commit(story)).toMatchObject({ kind: "refused", refusal: { code: "not-proven" } });
      expect(commit(story, "bo", "Frankfurt is lost")).toMatchObject({
        ...{ kind: "accepted", events: [{ data: { reason: "Frankfurt is lost" } }] },
      });
    }
  });
});

/** A verified move of the same servers, so many seconds after the other one. */
function movedLater(story: RecordedIncident, seconds = 3600): RecentMove {
  const own = moveOf(run(story)) as RecentMove;
  const [resource = ""] = own.resources;
  return { ...own, run: "run-later", at: new Date(own.at.getTime() + seconds * 1000), resources: [resource] };
}

describe("a later move of the same", () => {
  test("takes the place of one whose window is over, in whichever incident; an earlier one or one of something else doesn't", () => {
    const commit = (moved: readonly RecentMove[]) =>
      ask(probationOver(), "bo", { type: "commit", run: "run-4hx8w2pd", reason: null, moved });
    const later = movedLater(probationOver());
    expect(commit([later])).toMatchObject({ kind: "refused", refusal: { code: "moved-again" } });
    for (const other of [
      movedLater(probationOver(), -60),
      { ...later, resources: ["redis:cache"] },
      { ...later, run: "run-4hx8w2pd" },
    ])
      expect(commit([other]).kind).toBe("accepted");
  });
});

describe("once the same was moved again", () => {
  test("that is recorded, whether its window is open, over, or ended by a commit; once, and only of a move", () => {
    for (const tell of [watchedHealthy, probationOver, committed])
      expect(movedOn(run(tell()))).toMatchObject([{ type: "probation.ended", data: { moved: true } }]);
    const recorded = probationOver().engine(movedOn(run(probationOver()))[0] as never);
    expect(run(recorded).probation).toMatchObject({ moved: true, wasOver: true });
    expect(movedOn(run(recorded))).toEqual([]);
    expect(movedOn(run(watched({ ...MOVES, probationSeconds: 0 })))).toEqual([]);
  });
});

describe("fail back", () => {
  const back = { ...moving, direction: { ...(moving.direction as NonNullable<typeof moving.direction>) } };
  const { from, to } = back.direction;
  const plan = { ...back, direction: { ...back.direction, from: to, to: from } };
  const request = (
    story: RecordedIncident,
    failsBack: string | null,
    wanted = plan,
    moved: readonly RecentMove[] = [],
  ) =>
    ask(story, "ana", {
      ...{ type: "requestRun", run: "run-back", plan: wanted, planHash: hashOf(wanted), mode: wanted.mode },
      ...{ dryRun: false, announceIn: null, moves: MOVES, failsBack, moved },
    });

  test("offered while the new side is not healthy, it needs no reason; in any other case a second move does", () => {
    expect(request(watchedUnhealthy(), "run-4hx8w2pd").kind).toBe("accepted");
    for (const refused of [
      request(watchedUnhealthy(), null),
      request(watchedUnhealthy(), "run-4hx8w2pd", plan, [movedLater(watchedUnhealthy(), 60)]),
      request(watchedUnhealthy(), "run-of-nobody"),
      request(watchedUnhealthy(), "run-4hx8w2pd", back),
      request(watchedHealthy(), "run-4hx8w2pd"),
      request(committed(), "run-4hx8w2pd"),
    ])
      expect(refused).toMatchObject({ kind: "refused", refusal: { code: "moved-recently" } });
  });
});

test("resolving in the window is asked about first, with how it looks", () => {
  const resolve = (story: RecordedIncident, anyway: boolean) =>
    ask(story, "bo", { type: "resolve", summary: "Well again", anyway });
  expect(resolve(watchedHealthy(), false)).toMatchObject({
    kind: "refused",
    refusal: { code: "on-probation", healthy: true },
  });
  expect(resolve(watchedHealthy(), true).kind).toBe("accepted");
  expect(resolve(committed(), false).kind).toBe("accepted");
});
