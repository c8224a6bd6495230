import { describe, expect, test } from "@jest/globals";
import type { Plan } from "../../src/catalog/types.ts";
import { decide } from "../../src/incident/decide.ts";
import { blankIncident } from "../../src/incident/evolve.ts";
import { AGAIN_SECONDS, movedBefore, movesUnderWay, type RecentMove, verifiedMoves } from "../../src/incident/moves.ts";
import type { RunState } from "../../src/incident/state.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { failover, orders } from "../support/orders-system.ts";
import { RecordedIncident } from "../support/recorded-incident.ts";

const MOVES = { target: "database", title: "Orders database", probationSeconds: 1800 };
const resources = ["postgres:orders-a", "postgres:orders-b"];
const back: Plan = {
  ...failover,
  resources,
  direction: {
    ...{ from: { id: "eu-central", title: "Frankfurt" }, to: { id: "eu-west", title: "Dublin" } },
    ...{ basis: "seen", says: "orders-a takes writes" },
  },
};
const at = new Date("2026-11-21T02:00:00Z");
const later = (seconds: number) => new Date(at.getTime() + seconds * 1000);
const last: RecentMove = {
  ...{ run: "run-first", title: "Orders database", from: "Frankfurt", to: "Dublin", at },
  ...{ resources: ["postgres:orders-b"], until: later(1800) },
};

function ask(now: Date, more: { again?: string; moves?: typeof MOVES | null; dryRun?: boolean; moved?: RecentMove[] }) {
  const { again = null, moves = MOVES, dryRun = false, moved = [last] } = more;
  const story = new RecordedIncident(orders).ask("ana", {
    ...{ type: "declare", title: "Orders", system: "orders", severity: "P1", kind: "real" },
    ...{ impactStartedAt: null, announceIn: null },
  });
  return decide(
    {
      ...{ type: "requestRun", run: "run-second", plan: back, planHash: hashOf(back), mode: back.mode, dryRun },
      ...{ announceIn: null, moves, again, moved },
    },
    story.state,
    { now, actor: story.actor("ana"), blocked: null, system: orders, key: "k" },
  );
}

describe("what was moved is moved again", () => {
  test("within the hour: refused with what, when, and what to type; with a reason it goes on and the reason is recorded", () => {
    const refused = ask(later(600), {});
    expect(refused).toMatchObject({
      kind: "refused",
      refusal: {
        code: "moved-recently",
        moved: { title: "Orders database", from: "Frankfurt", to: "Dublin", at },
        ...{ minutes: 10, until: later(3600) },
      },
      events: [{ type: "command.refused" }],
    });
    expect(ask(later(600), { again: "  \n " }).kind).toBe("refused");
    expect(ask(later(600), { again: "Dublin is lost, too" })).toMatchObject({
      kind: "accepted",
      events: [{ data: { again: { reason: "Dublin is lost, too", movedAt: at.toISOString() }, moves: MOVES } }],
    });
  });

  test("later, of something else, as a dry run or by what moves nothing: no reason is needed, and none is recorded", () => {
    for (const free of [
      ask(later(AGAIN_SECONDS), { again: "Why not" }),
      ask(later(600), { moved: [{ ...last, resources: ["redis:cache"] }] }),
      ask(later(600), { dryRun: true }),
      ask(later(600), { moves: null }),
    ]) {
      expect(free.kind).toBe("accepted");
      expect(free.events[0]?.data).not.toHaveProperty("again");
    }
  });

  test("a longer probation window holds longer than the hour", () => {
    const watched = { ...last, until: later(7200) };
    expect(movedBefore({ resources }, [watched], later(7100))).toBe(watched);
    expect(movedBefore({ resources }, [watched], later(7200))).toBeNull();
  });

  test("the last of several is named; what failed, was aborted or only looked is no move", () => {
    const earlier = { ...last, run: "run-earlier", at: later(-900) };
    expect(movedBefore({ resources }, [earlier, last], later(60))?.run).toBe("run-first");
    expect(verifiedMoves(blankIncident("inc-x"))).toEqual([]);
  });
});

describe("what counts as a move", () => {
  const run = (more: Partial<RunState>): RunState =>
    ({
      ...{ id: "run-x", plan: back, moves: MOVES, dryRun: false, ending: { as: "verified" }, endedAt: at },
      ...more,
    }) as RunState;
  const among = (...runs: RunState[]) => ({ id: "inc-x", runs: new Map(runs.map((one) => [one.id, one])) });

  test("a verified run that moves something, with its sites, its resources and the end of its window", () => {
    expect(verifiedMoves(among(run({})))).toEqual([
      {
        ...{ run: "run-x", title: "Orders database", from: "Frankfurt", to: "Dublin", at },
        ...{ resources, until: later(1800) },
      },
    ]);
    const { direction: _, ...nowhere } = back;
    expect(verifiedMoves(among(run({ plan: nowhere as Plan })))).toMatchObject([{ from: "", to: "" }]);
  });

  test("neither what was aborted, failed or is under way, nor a dry run, nor what moves nothing", () => {
    const { moves: _, ...still } = run({});
    const none = [
      run({ ending: { as: "aborted" } as never }),
      run({ ending: { as: "failed" } as never }),
      run({ ending: null }),
      run({ endedAt: null }),
      run({ dryRun: true }),
      still as RunState,
    ];
    expect(none.flatMap((one) => verifiedMoves(among(one)))).toEqual([]);
  });

  test("under way is what moves something and has not ended", () => {
    const going = run({ id: "run-going", ending: null, endedAt: null });
    expect(movesUnderWay(among(going))).toEqual([{ incident: "inc-x", run: "run-going", resources }]);
    const { moves: _, ...still } = going;
    const none = [run({}), { ...going, dryRun: true }, still as RunState];
    expect(none.flatMap((one) => movesUnderWay(among(one)))).toEqual([]);
  });

  test("one shared resource is enough", () => {
    const wide = { ...last, resources: ["postgres:orders-b", "redis:cache"] };
    expect(movedBefore({ resources }, [wide], later(60))).toBe(wide);
  });
});
