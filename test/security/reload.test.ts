import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { cardOf } from "../../src/actions/index.ts";
import { conformanceOf } from "../../src/catalog/conformance.ts";
import { type LiveCatalog, liveCatalog, systemsById } from "../../src/catalog/live.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { planRunbook } from "../../src/catalog/plan.ts";
import type { Plan, System } from "../../src/catalog/types.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Actor, DataOf } from "../../src/incident/events.ts";
import { createReloader, printsOf, type Reloader } from "../../src/reload.ts";
import type { Store } from "../../src/timeline/index.ts";
import { type Folder, makeFolder } from "../support/catalog-folder.ts";
import { away, EngineScenario, engineOn, folder } from "../support/engine-harness.ts";
import { byPerson, codeOf } from "../support/incident-scenario.ts";
import { actions, ledger } from "../support/ledger-actions.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";

/** The files of a live bot are changed: who is taken off them stops counting within seconds, and a mistake changes nothing. */
const cards = new Map([...actions].map(([id, action]) => [id, cardOf(action)]));
const bot: Actor = { kind: "bot" };

const people = {
  ana: "  ana: { name: Ana, slack: [UANA], roles: [on-call] }",
  bo: "  bo: { name: Bo, slack: [UBO], roles: [dba] }",
  cy: "  cy: { name: Cy, slack: [UCY], roles: [dba] }",
  dee: "  dee: { name: Dee, slack: [UDX1], roles: [dba, boss] }",
};
const systemYml = (roster: readonly string[] = Object.values(people), more = "") => `
title: Shop
environment: production
components: { database: { title: Database } }
roles:
  on-call: { title: On-call engineer, explains: You look first. }
  dba: { title: Database administrator, explains: You decide., standing: true }
  boss: { title: Boss, explains: You keep the files., standing: true }
people:
${roster.join("\n")}
severities: { P0: { title: Down, respondWithin: 15m }, P1: { title: Hurting, respondWithin: 1h }, P2: { title: Odd, respondWithin: 4h }, P3: { title: Small, respondWithin: 1d } }
administrators: [boss]
${more}
`;
const wipeYml = (dir: string, gate = "role: dba, quorum: 2") => `
title: Wipe
summary: Wipes it.
component: database
changes: the database is wiped
stages:
  - id: all
    title: All
    steps:
      - { id: go, title: Wipe?, gate: { ${gate} } }
      - { id: wipe, title: Wipe, action: folder.put, with: { dir: "${dir}", name: wipe } }
`;

let server: TestServer;
let store: Store;
let files: Folder;
let dir: string;
let scenario: EngineScenario;
let stopping: (() => Promise<void>)[];

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  store = await storeOn(await server.database());
  dir = await folder();
  files = makeFolder({ "shop/system.yml": systemYml(), "shop/runbooks/wipe.yml": wipeYml(dir) });
  scenario = new EngineScenario(store);
  stopping = [];
});
afterEach(async () => {
  await Promise.all(stopping.map((stop) => stop()));
  await store.close();
  await away(dir);
  files.remove();
});

interface Bot {
  readonly live: LiveCatalog;
  readonly reloader: Reloader;
}

/** A bot as far as its catalogue goes, and its engine. */
async function startBot({ everyMs = 60_000, engine = false } = {}): Promise<Bot> {
  const prints = await printsOf(files.path);
  const loaded = loadCatalog(files.path, cards);
  expect(loaded.problems.filter(({ level }) => level === "error")).toEqual([]);
  const live = liveCatalog(loaded.catalog);
  const reloader = createReloader({
    ...{ folder: files.path, live, prints, timeline: store.timeline, log: quiet, everyMs },
    read: (home) => loadCatalog(home, cards),
    mayUse: () => true,
    check: () => {},
  });
  stopping.push(() => reloader.stop());
  reloader.start();
  if (engine) {
    const started: Engine = engineOn(store, {
      systems: systemsById(live),
      conformance: (plan, origin) => conformanceOf(plan, { catalog: live, cards, variables: new Map() }, origin),
    });
    stopping.push(() => started.stop());
    started.start();
    scenario.system = () => live.systems[0] as System;
  }
  return { live, reloader };
}

/** As an editor does: written beside it and put in its place. */
function write(file: string, text: string): void {
  const path = join(files.path, "shop", file);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

async function changes(): Promise<readonly (DataOf<"catalogue.changed"> & { actor: unknown })[]> {
  const events = await store.timeline.read("workspace");
  return events.flatMap(({ type, data, actor }) =>
    type === "catalogue.changed" ? [{ ...(data as DataOf<"catalogue.changed">), actor }] : [],
  );
}

const without = (...gone: (keyof typeof people)[]) =>
  Object.entries(people).flatMap(([id, line]) => (gone.includes(id as keyof typeof people) ? [] : [line]));
const idsIn = ({ live }: Bot) => live.systems[0]?.people.map(({ id }) => id);
const firstRecorded = () => until(async () => (await changes()).length === 1);

function planned(live: LiveCatalog): Plan {
  const request = {
    catalog: live,
    cards,
    variables: new Map(),
    system: "shop",
    runbook: "wipe",
    kind: "real",
  } as const;
  const made = planRunbook({ ...request, mode: "unplanned" });
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made.plan;
}

describe("a person taken off the roster of a live bot", () => {
  test("stops counting within 5 s of the file, for what they approved and nothing has used", async () => {
    const { live } = await startBot({ everyMs: 1_000, engine: true });
    await scenario.requested(planned(live));
    await scenario.untilApprovalRequested();
    const { ask } = await scenario.gate();
    expect(codeOf(await scenario.asks("bo", { type: "approve", run: "run-1", ask }))).toBe("accepted");
    const from = performance.now();
    write("system.yml", systemYml(without("bo")));
    await until(
      async () => codeOf(await scenario.asks("bo", { type: "pause", run: "run-1", reason: null })) === "not-on-roster",
    );
    expect(performance.now() - from).toBeLessThan(5_000);
    await scenario.asks("ana", { type: "resume", run: "run-1" });
    expect(codeOf(await scenario.asks("cy", { type: "approve", run: "run-1", ask }))).toBe("accepted");
    await scenario.until((run) => {
      const state = run.steps.get("go");
      return state?.status === "gate" && state.gate.outcome === "open" && state.gate.ask !== ask;
    });
    expect((await scenario.gate()).because).toBe("bo is no longer on the roster");
    expect(ledger(dir)).toEqual([]);
  });

  test("a quorum that is lowered in the files opens nothing that was asked with more", async () => {
    const { live, reloader } = await startBot({ engine: true });
    await scenario.requested(planned(live));
    await scenario.untilApprovalRequested();
    const { ask } = await scenario.gate();
    write("runbooks/wipe.yml", wipeYml(dir, "role: dba, quorum: 1"));
    expect(await reloader.now("signal", bot)).toMatchObject({ kind: "changed" });
    await scenario.asks("bo", { type: "approve", run: "run-1", ask });
    await until(async () => (await scenario.gate()).approvals.length === 1);
    expect((await scenario.step("wipe")).status).toBe("waiting");
    await scenario.asks("cy", { type: "approve", run: "run-1", ask });
    await scenario.until(({ status }) => status === "verified");
    expect(ledger(dir)).toEqual(["put wipe"]);
  });
});

describe("the files are read whole or not at all", () => {
  test.each([
    ["a line that is no YAML", "system.yml", () => systemYml(without("bo"), "people: [")],
    [
      "a role nobody knows",
      "system.yml",
      () => systemYml([...without("bo"), "  eve: { name: Eve, slack: [UEVE], roles: [king] }"]),
    ],
    ["a mistake in a runbook beside a roster that is fine", "runbooks/wipe.yml", () => wipeYml(dir, "role: king")],
  ])(
    "with %s everything is kept, the one who asked is told, and the mended file is read",
    async (_given, file, text) => {
      const one = await startBot();
      await firstRecorded();
      if (file !== "system.yml") write("system.yml", systemYml(without("bo")));
      write(file, text());
      const before = { systems: one.live.systems, runbooks: one.live.runbooks };
      expect(await one.reloader.now("command", byPerson("ana"))).toMatchObject({
        kind: "refused",
        problems: expect.stringContaining(file),
      });
      expect({ systems: one.live.systems, runbooks: one.live.runbooks }).toEqual(before);
      // Asked again, it says so again.
      expect(await one.reloader.now("command", byPerson("ana"))).toMatchObject({ kind: "refused" });
      write("system.yml", systemYml(without("bo")));
      write("runbooks/wipe.yml", wipeYml(dir));
      expect(await one.reloader.now("command", byPerson("ana"))).toMatchObject({ kind: "changed" });
      expect(idsIn(one)).toEqual(["ana", "cy", "dee"]);
      expect(await changes()).toHaveLength(2);
    },
  );

  test("a catalogue without any system is not taken", async () => {
    const one = await startBot();
    rmSync(join(files.path, "shop"), { recursive: true });
    expect(await one.reloader.now("signal", bot)).toMatchObject({ kind: "refused" });
    expect(idsIn(one)).toContain("bo");
  });
});

describe("each change is an event", () => {
  test("with the difference, who asked, and no names or accounts", async () => {
    const { reloader } = await startBot();
    await firstRecorded();
    write(
      "system.yml",
      systemYml([
        ...without("bo", "cy"),
        "  cy: { name: Cy, slack: [UCY, UCY2], roles: [dba, boss] }",
        "  eve: { name: Eve, slack: [UEVE], roles: [dba] }",
      ]),
    );
    write("runbooks/wipe.yml", wipeYml(dir, "role: dba, quorum: 2, stepUp: true"));
    const says = [
      { person: "bo", says: "removed from the roster (dba)" },
      { person: "cy", says: "dba → boss, dba" },
      { person: "cy", says: "accounts or keys changed" },
      { person: "eve", says: "added to the roster (dba)" },
      { person: null, says: "gate wipe/go: 2 of dba, within 600 s → 2 of dba, with proof, within 600 s" },
    ];
    expect(await reloader.now("command", byPerson("ana"))).toEqual({
      kind: "changed",
      systems: [{ system: "shop", says }],
    });
    const [first, second, ...more] = await changes();
    expect(first).toMatchObject({
      from: null,
      by: "start",
      says: [{ person: null, says: "read for the first time: people 4, runbooks 1" }],
    });
    expect(second).toMatchObject({ from: first?.hash, by: "command", says, actor: { person: "ana" } });
    expect(more).toEqual([]);
    expect(JSON.stringify(second)).not.toMatch(/UCY|Eve/);
  });

  test("written once by two bots, and not at all where nothing but a comment changed", async () => {
    const [one, other] = [await startBot({ everyMs: 50 }), await startBot({ everyMs: 50 })];
    await firstRecorded();
    write("system.yml", systemYml(without("bo")));
    await until(async () => [one, other].every((each) => idsIn(each)?.includes("bo") === false));
    await Promise.all([one, other].map(({ reloader }) => reloader.now("signal", bot)));
    expect((await changes()).map(({ by, says }) => [by, says])).toEqual([
      ["start", [{ person: null, says: expect.stringContaining("first time") }]],
      ["files", [{ person: "bo", says: "removed from the roster (dba)" }]],
    ]);
    write("system.yml", `# A comment\n${readFileSync(join(files.path, "shop/system.yml"), "utf8")}`);
    expect(await one.reloader.now("signal", bot)).toEqual({ kind: "unchanged" });
    expect(await changes()).toHaveLength(2);
  });

  test("also what changed while no bot was there", async () => {
    const { reloader } = await startBot();
    await firstRecorded();
    await reloader.stop();
    write("system.yml", systemYml(without("bo")));
    await startBot();
    await until(async () => (await changes()).length === 2);
    expect((await changes()).at(-1)).toMatchObject({
      by: "start",
      says: [{ person: "bo", says: "removed from the roster (dba)" }],
    });
  });
});
