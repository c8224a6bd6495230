import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { actions, cards } from "../../src/actions/index.ts";
import { aheadFault, modeOfOccasion } from "../../src/catalog/approved-ahead.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Runbook } from "../../src/catalog/types.ts";
import { projectRoot } from "../../src/lib/root.ts";

const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems"), cards);
const fault = ({ id, ...more }: Partial<Runbook> & { id: string }, change: Partial<Runbook> = {}) => {
  const book = catalog.runbooks.find((one) => one.id === id && one.system === "marimo-erp") as Runbook;
  return aheadFault({ ...book, ...more, ...change }, "planned", cards);
};

describe("what may be approved ahead", () => {
  test("a dump that is looked at afterwards may", () => {
    expect(fault({ id: "backup-nightly" })).toBeNull();
  });

  test.each([
    [
      "another step that changes something",
      "backup-now",
      {},
      'step "definitions" (rabbitmq.export) does more than look or add a copy',
    ],
    ["a restore", "db-restore", {}, "does more than look or add a copy"],
    ["a move", "dc-failover", {}, "moves something from one site to another"],
    ["an exercise", "backup-nightly", { exercise: true }, "is an exercise"],
    ["what breaks things", "backup-nightly", { drill: true }, "is an exercise"],
    ["what gives up data", "backup-nightly", { givesUp: ["the older dump"] }, "gives up data: the older dump"],
    ["what is no planned work", "backup-nightly", { maintenance: undefined }, "isn't planned work"],
    ["what asks for inputs", "backup-nightly", { inputs: [{}] }, "has inputs"],
    ["what only looks, and asks no one", "backup-verify", {}, "has no gate, and needs one"],
  ] as const)("%s may not", (_what, id, change, says) => {
    expect(fault({ id }, change as unknown as Partial<Runbook>)).toContain(says);
  });

  test("what is done by people, or behind a second gate, may not", () => {
    const book = catalog.runbooks.find(
      ({ id, system }) => id === "backup-nightly" && system === "marimo-erp",
    ) as Runbook;
    const [decide, copy] = book.stages;
    const [gate] = decide?.steps ?? [];
    if (decide === undefined || copy === undefined || gate === undefined)
      throw new Error("the runbook has no such stages");
    const manual = {
      ...gate,
      id: "tape",
      does: { kind: "manual", instructions: "Change the tape.", role: null },
    } as const;
    const of = (...steps: typeof copy.steps) =>
      aheadFault({ ...book, stages: [decide, { ...copy, steps }] }, "planned", cards);
    expect(of(...copy.steps, manual)).toContain('step "tape" is done by people');
    expect(of(...copy.steps, { ...gate, id: "again" })).toContain("has 2 gates, and needs one");
  });

  test("an action that says it adds a copy leaves the service alone, can be tried again, and needs no way back", () => {
    const copying = [...actions.values()].filter(({ copies }) => copies === true);
    expect(copying.map(({ id }) => id).sort()).toEqual([
      ...["pgbackrest.backup", "postgres.dump", "search.snapshot", "velero.backup"],
    ]);
    for (const {
      id,
      risk,
      service,
      repeat,
      fences,
      opens,
      promotes,
      leads,
      endsFence,
      arbitrary,
      breaks,
      undo,
    } of copying) {
      expect([id, risk, service, ["safe", "guarded"].includes(repeat)]).toEqual([id, "reversible", "aside", true]);
      expect([fences, opens, promotes, leads, endsFence, arbitrary, breaks].every((one) => one === undefined)).toBe(
        true,
      );
      expect(undo.ahead({ host: {}, folder: "/", label: "x", repository: "r", keepHours: 1 })).toMatchObject({
        kind: "nothing",
      });
    }
  });

  test("every shipped entry that may be approved ahead is one", () => {
    const entries = catalog.systems.flatMap(({ id: system, calendar = [] }) =>
      calendar.filter(({ approvedAhead }) => approvedAhead).map((occasion) => ({ system, occasion })),
    );
    expect(entries.map(({ system, occasion: { id } }) => `${system}/${id}`).sort()).toEqual([
      ...["marimo-erp/nightly-dump", "mimir/nightly-backup", "sav3/nightly-backup"],
    ]);
    for (const { system, occasion } of entries) {
      const book = catalog.runbooks.find((one) => one.system === system && one.id === occasion.runbook) as Runbook;
      expect(aheadFault(book, modeOfOccasion(occasion, book), cards)).toBeNull();
    }
  });
});
