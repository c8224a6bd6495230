import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { actions, cards } from "../../src/actions/index.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { createTriageProber, type TriageProber } from "../../src/engine/triage-prober.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import { decide } from "../../src/incident/decide.ts";
import { fold } from "../../src/incident/evolve.ts";
import type { TriageState } from "../../src/incident/state.ts";
import { newId } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Store } from "../../src/timeline/index.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet, storeOn, type TestServer, testServer } from "../support/postgres.ts";

/** The tree of the practice system, asked of a small application and of databases that are not there. */
const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems", "practice"), cards);
const [system] = catalog.systems;
const incident = "inc-1";

let server: TestServer;
let store: Store;
let application: Server;
let health = 200;
let asked = 0;
const probers: TriageProber[] = [];

beforeAll(async () => {
  server = await testServer();
  application = createServer((_, response) => {
    asked++;
    response.writeHead(health).end("{}");
  });
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
}, 60_000);
beforeEach(async () => {
  health = 200;
  asked = 0;
  store = await storeOn(await server.database());
  await says({
    ...{ type: "declare", title: "Orders fail", system: "practice", severity: "P1", kind: "real" },
    impactStartedAt: null,
    announceIn: null,
  });
}, 60_000);
afterEach(async () => {
  await Promise.all(probers.splice(0).map((one) => one.stop()));
  await store.close();
});
afterAll(async () => {
  application?.close();
  await server?.close();
}, 60_000);

async function says(command: IncidentCommand): Promise<void> {
  if (system === undefined) throw new Error("There is no practice system.");
  const actor = { kind: "person", person: "alex-rivera", slackUser: "UALEX", name: "Alex", door: "slack" } as const;
  await store.timeline.decide(incident, (events, now) => {
    const state = fold(incident, events, new Map());
    const outcome = decide(command, state, { now, actor, blocked: null, system, key: newId("req", 12) });
    if (outcome.kind === "refused") throw new Error(outcome.refusal.code);
    return { events: outcome.events, value: null };
  });
}

function prober(values: Record<string, string | number> = {}): void {
  const { port } = application.address() as AddressInfo;
  const given = { appUrl: `http://127.0.0.1:${port}`, aPort: 9, bPort: 10, ...values };
  const known = Object.entries(given).filter(([, value]) => value !== "");
  const { timeline } = store;
  const one = createTriageProber({
    timeline,
    incidents: incidentsOn(store),
    catalog,
    cards,
    actions,
    variables: () => new Map([["practice", new Map(known)]]),
    secret: () => "secret",
    practice: true,
    log: quiet,
  });
  one.start();
  probers.push(one);
}

async function until(what: (walk: TriageState) => boolean): Promise<TriageState> {
  for (;;) {
    const { triages } = fold(incident, await store.timeline.read(incident), new Map());
    const walk = triages?.at(-1);
    if (walk && what(walk)) return walk;
    await new Promise<void>((resolve) => {
      const unfollow = store.timeline.follow(() => {
        unfollow();
        resolve();
      });
      setTimeout(resolve, 100);
    });
  }
}

const walked = ({ answered }: TriageState) => answered.map(({ question, says }) => `${question}: ${says}`);

describe("given a question that the world can answer, when it is asked", () => {
  test("then it is looked at, one question after the other, down to a runbook", async () => {
    health = 503;
    prober();
    await says({ type: "startTriage", triage: "tri-1" });
    const walk = await until(({ concluded }) => concluded !== null);
    expect(walked(walk)).toEqual([
      "orders-taken: No, or it says nothing",
      "primary-answers: No, nothing answers there",
    ]);
    expect(walk.answered[1]?.saw).toBe("Orders database: active and answers: no");
    expect(walk.concluded?.runbook).toEqual({
      ...{ id: "database-failover", title: "Fail over the orders database", modes: ["unplanned"] },
    });
  });

  test("then a question left open by a process that died is answered by the next, and by two only once", async () => {
    await says({ type: "startTriage", triage: "tri-1" });
    prober();
    prober();
    const walk = await until(({ answered }) => answered.length > 0);
    expect(walked(walk)).toEqual(["orders-taken: Yes, it is healthy"]);
    expect(asked).toBeGreaterThan(0);
    const written = (await store.timeline.read(incident)).filter(({ type }) => type === "triage.answered");
    expect(written.map(({ data }) => (data as { question: string }).question)).toEqual(["orders-taken"]);
  });

  test("then what can't be seen is left to people, with the reason, and one person's answer goes on", async () => {
    prober({ appUrl: "" });
    await says({ type: "startTriage", triage: "tri-1" });
    const walk = await until(({ open }) => open?.unseen != null);
    expect(walk.open?.unseen).toBe("this installation gives no value for var.appUrl");
    await says({ type: "answerTriage", triage: "tri-1", question: "orders-taken", answer: "yes", books: [] });
    expect(walked(await until(({ answered }) => answered.length > 0))).toEqual(["orders-taken: Yes, it is healthy"]);
  });
});
