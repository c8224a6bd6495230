import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { soon } from "../../practice/environment/patience.ts";
import { buttonOf } from "../../practice/session/thread.ts";
import { createWorkspace, type Message } from "../../practice/slack/index.ts";
import { cutOff } from "../../practice/targets/patroni/behind.ts";
import {
  PATRONI_PACKAGES,
  PATRONI_PROGRAMS,
  type PatroniCluster,
  type PatroniNode,
  startPatroni,
} from "../../practice/targets/patroni/index.ts";
import type { Person } from "../../src/catalog/types.ts";
import { createOutbox } from "../../src/projection/outbox.ts";
import { createSlack } from "../../src/slack/index.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createTally } from "../../src/timeline/tally.ts";
import { describeWith } from "../support/describe-with.ts";
import { away, EngineScenario, engineOn, folder, go, ledgerStep, planOf } from "../support/engine-harness.ts";
import { SYSTEM } from "../support/incident-scenario.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { complaints } from "../support/independent-verifier.ts";
import { behave, ledger } from "../support/ledger-actions.ts";
import { asSuperuser, event, quiet, storeOn, until } from "../support/postgres.ts";
import { configFor } from "../support/slack-harness.ts";

const describe = await describeWith(PATRONI_PROGRAMS, PATRONI_PACKAGES);

/** The store is a real Patroni cluster that loses its leader under Lifeboat, which is told all its hosts and finds the one that leads. */
describe("a store on Patroni", () => {
  let cluster: PatroniCluster;
  let store: Store;
  let dir: string;

  const urlOf = (node: PatroniNode, database: string) => {
    const { user, password } = cluster.superuser;
    return `postgres://${user}:${password}@127.0.0.1:${node.port}/${database}`;
  };
  const address = () => {
    const { user, password } = cluster.superuser;
    const hosts = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join();
    return `postgres://${user}:${password}@${hosts}/lifeboat?target_session_attrs=read-write`;
  };
  const notes = async (stream: string) => (await store.timeline.read(stream)).map(({ key }) => key);

  beforeAll(async () => {
    cluster = await startPatroni({ scope: "store", names: ["store1", "store2", "store3"] });
    const leader = await cluster.settled();
    await asSuperuser(urlOf(leader, "postgres"), "create database lifeboat");
    await cluster.configure({ synchronous_mode: true, synchronous_mode_strict: true });
    store = await storeOn(address());
    dir = await folder();
  }, 180_000);
  afterAll(async () => {
    await store?.close();
    await cluster?.stop();
    await away(dir);
  }, 60_000);

  /** Its host is gone, and with it everything it had not sent on. */
  const lose = async (leader: PatroniNode) => {
    await cluster.lose(leader);
    await cluster.expire(leader);
  };
  /** Someone has to say that it has a write before it is acknowledged. */
  const synchronous = (leader: PatroniNode) =>
    soon("A synchronous standby", async () => {
      const [seen] = await asSuperuser<{ count: number }>(
        urlOf(leader, "postgres"),
        "select count(*)::int from pg_stat_replication where sync_state in ('sync', 'quorum')",
      );
      return (seen?.count ?? 0) > 0;
    });

  test("its leader dies in the middle of a run and of writes: nothing acknowledged is lost, nothing is there twice, the run ends", async () => {
    const leader = await cluster.settled();
    await synchronous(leader);
    const engine = engineOn(store);
    engine.start();
    const scenario = new EngineScenario(store, "inc-1");
    const steps = Array.from({ length: 12 }, (_, n) => `s${n + 1}`);
    for (const step of steps) behave(dir, step, "slow", 150);
    await scenario.requested(planOf([[go()], steps.map((id) => ledgerStep(dir, "put", id))]), "run-1");
    await scenario.untilApprovalRequested();
    await scenario.approve();

    const writers = writersOn(store, "inc-2");
    await scenario.untilStep("s3", "done");
    await lose(leader);
    await scenario.until((run) => run.status === "verified", "run-1", 60);
    const since = writers.acknowledged.length;
    await soon("Writes being acknowledged again", () => Promise.resolve(writers.acknowledged.length > since + 20));
    await writers.stop();
    await engine.stop();

    expect([...ledger(dir)].sort()).toEqual(steps.map((id) => `put ${id}`).sort());
    const kept = await notes("inc-2");
    expect(new Set(kept).size).toBe(kept.length);
    expect(writers.acknowledged.filter((key) => !kept.includes(key))).toEqual([]);
    expect(store.timeline.doubt()).toBeNull();
    await cluster.restart(leader);
    expect(await complaints(urlOf(await cluster.settled(), "lifeboat"))).toEqual([]);
  }, 180_000);

  test("its leader dies in the middle of a click: it counts once and is answered, or its person is told and presses again", async () => {
    const leader = await cluster.settled();
    await synchronous(leader);
    const workspace = await createWorkspace({ manifestFile: "manifest.yml" });
    const outbox = createOutbox(store.pool);
    const system = { ...SYSTEM, environment: "practice" as const, people: inPracticeSlack(SYSTEM.people) };
    const slack = createSlack({
      redact: (text) => text,
      config: configFor(workspace),
      context: {
        catalog: { systems: [system], runbooks: [] },
        cards: new Map(),
        variables: new Map(),
        timeline: store.timeline,
        incidents: incidentsOn(store),
        log: quiet,
        practice: true,
        channelOf: (incident) => outbox.placeOf(incident),
        incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
        tally: createTally(store.pool),
        comms: { templates: { for: () => [] }, reach: { email: false, statuspage: false }, pageLink: null },
      },
      timeline: store.timeline,
      inbox: store.inbox,
      outbox,
      log: quiet,
    });
    const engine = engineOn(store);
    try {
      slack.start();
      engine.start();
      await until(() => slack.ready());
      const scenario = new EngineScenario(store, "inc-4");
      scenario.system = () => system;
      await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "after the click")]]), "run-4");
      const sam = workspace.as("USAM");
      const asks = (one: Message) => one.channel.startsWith("C") && buttonOf(one, "gate.approve") !== undefined;
      const card = await sam.waitForMessage(asks, 30_000);

      const lost = lose(leader);
      const outcomes = [];
      // As a person does who is told by Slack that it was not heard.
      for (let pressed = false; !pressed; ) {
        const outcome = await sam.click(card, "gate.approve", { confirm: true });
        outcomes.push(outcome.ok ? "heard" : outcome.said);
        pressed = outcome.ok;
      }
      await lost;
      const isAnswer = ({ only, text }: Message) => only === "USAM" && /recorded|already/i.test(text);
      await sam.waitForMessage(isAnswer, 60_000);
      await scenario.until((run) => run.status === "verified", "run-4", 60);

      const approvals = (await scenario.types("run-4")).filter((type) => type.startsWith("gate.approved"));
      expect(approvals).toHaveLength(1);
      expect([...ledger(dir)].filter((line) => line === "put after the click")).toHaveLength(1);
      await soon("The inbox being empty", async () => (await store.inbox.now()).waiting === 0);
      await cluster.restart(leader);
      expect(await complaints(urlOf(await cluster.settled(), "lifeboat"))).toEqual([]);
    } finally {
      await engine.stop();
      await slack.stop();
      await workspace.close();
    }
  }, 180_000);

  test("without synchronous replication it comes back without what was acknowledged: every change stops, and says so", async () => {
    await cluster.configure({ synchronous_mode: null, synchronous_mode_strict: null });
    const leader = await cluster.settled();
    await soon("Writes that wait for nobody", async () => {
      const [seen] = await asSuperuser<{ names: string }>(urlOf(leader, "postgres"), "show synchronous_standby_names");
      return Object.values(seen ?? {})[0] === "";
    });
    await store.timeline.decide("inc-3", () => ({ events: [event("declared")], value: null }));
    await cutOff(cluster, leader);
    const last = await store.timeline.decide("inc-3", () => ({ events: [event("noted")], value: null }));
    expect(last).toMatchObject({ kind: "written", events: [{ version: 2 }] });
    await lose(leader);

    const refused = soon("The store being doubted", () => Promise.resolve(store.timeline.doubt()));
    expect(await refused).toMatchObject({ code: "store-went-back", what: expect.stringContaining("inc-3") });
    const change = store.timeline.decide("inc-2", () => ({ events: [event("noted")], value: null }));
    await expect(change).rejects.toMatchObject({ problem: { code: "store-went-back" } });
    // Reading goes on.
    expect((await notes("inc-2")).length).toBeGreaterThan(20);
  }, 180_000);
});

/** Those of the test system, each with an account of the practice workspace. */
function inPracticeSlack(people: readonly Person[]): readonly Person[] {
  const accounts = new Map([
    ["ana", "UALEX"],
    ["bo", "USAM"],
    ["vera", "UVERA"],
  ]);
  return people.map((person) => ({ ...person, slack: [accounts.get(person.id)].filter((one) => one !== undefined) }));
}

/** Four who append again and again, until they are stopped or refused. */
function writersOn({ timeline }: Store, stream: string) {
  const acknowledged: string[] = [];
  let stopped = false;
  const writing = Array.from({ length: 4 }, async (_, writer) => {
    for (let n = 0; !stopped; n++) {
      const key = `note-${writer}-${n}`;
      const written = await timeline.decide(stream, () => ({ events: [event("noted", { key })], value: null }));
      if (written.kind === "written") acknowledged.push(key);
    }
  });
  const ended = Promise.all(writing);
  ended.catch(() => {});
  return {
    acknowledged,
    async stop() {
      stopped = true;
      await ended;
    },
  };
}
