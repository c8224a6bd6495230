import { afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import type { FaultKind } from "../../../practice/targets/kubernetes/index.ts";
import { leaveBehind } from "../../../practice/targets/patroni/behind.ts";
import {
  PATRONI_PACKAGES,
  PATRONI_PROGRAMS,
  type PatroniCluster,
  type PatroniNode,
} from "../../../practice/targets/patroni/index.ts";
import { type ActionHarness, actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { describeWith } from "../../support/describe-with.ts";
import { until } from "../../support/failure-case.ts";
import { openNet } from "../../support/network.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { Step } from "../../support/step.ts";
import { home, clusterOf as named, openApi, opened, secretsOf, suite } from "./failure-cases.ts";
import { openWriters } from "./writers.ts";

await runFailureSuite(suite);

/** A real Patroni cluster, handed over under load, and everything that may go wrong around the one request. */
const describe = await describeWith(PATRONI_PROGRAMS, PATRONI_PACKAGES);

describe("patroni over a real cluster", () => {
  let environment: PatroniCluster;
  let leader: PatroniNode;
  let candidate: PatroniNode;
  let harness: ActionHarness;
  let secrets: Record<string, string>;

  const clusterOf = (api?: Record<string, string>) => named(environment, api);
  const handOver = () => ({ cluster: clusterOf(), leader: leader.name, candidate: candidate.name });
  const blocks = async (action: string, input: object) => blockedBy((await harness.look(action, input)).checks);
  const timeline = async (node: PatroniNode) =>
    ((await (await fetch(`${node.api}/patroni`)).json()) as { timeline: number }).timeline;

  beforeAll(() => {
    environment = opened();
    secrets = secretsOf(environment);
    harness = actionHarness(secrets);
  });
  beforeEach(async () => {
    leader = await environment.settled();
    candidate = environment.nodes.find((node) => node !== leader) as PatroniNode;
  }, 100_000);

  test("a switchover under load loses nothing that was acknowledged", async () => {
    const writers = await openWriters(environment);
    const from = await timeline(leader);
    const { evidence, applied } = await harness.perform("switch", "patroni.switchover", handOver());
    expect(applied).toBe(true);
    expect(evidence.says).toContain(`${candidate.name} leads practice on timeline ${from + 1}`);
    await writers.flowing();
    await writers.stop();
    expect(await writers.lostOn(candidate)).toBe(0);
    expect(writers.acknowledged).toBeGreaterThan(200);

    const again = await harness.perform("again", "patroni.switchover", handOver());
    expect(again.applied).toBe(false);
  }, 100_000);

  test.each([
    ["before", "is asked to hand over", "again"],
    ["after", undefined, "verify"],
  ])(
    "killed right %s the request, the run goes on and leadership moves once",
    async (_when, at, way) => {
      const from = await timeline(leader);
      const died = await performAndDie("patroni.switchover", handOver(), { secrets, ...(at ? { at } : {}) });
      const recovered = await recoverFrom(harness, "patroni.switchover", handOver(), died.before);
      expect(recovered.way).toBe(way);
      expect(await environment.settled()).toBe(candidate);
      expect(await timeline(candidate)).toBe(from + 1);
    },
    100_000,
  );

  test("an answer lost on the way: what happened is looked for, and a second request would be refused", async () => {
    const from = await timeline(leader);
    const net = await openNet(Number(new URL(leader.api).port));
    try {
      const given = handOver();
      const { seen } = await harness.look("patroni.switchover", given);
      const wired = {
        ...given,
        cluster: clusterOf({ ...given.cluster.api, [leader.name]: net.url(`${leader.api}/`) }),
      };
      const lost = net.loseAnswerTo("POST /switchover");
      await expect(harness.perform("switch", "patroni.switchover", wired)).rejects.toThrow(/hang up|ECONNRESET|closed/);
      await lost;
      const recovered = await recoverFrom(harness, "patroni.switchover", given, seen);
      expect(recovered.way).toBe("verify");
      expect(await timeline(candidate)).toBe(from + 1);

      const action = harness.action("patroni.switchover");
      const context = { ...harness.context, budget: action.budget, progress: () => {}, launched: async () => {} };
      const second = action.apply?.(context, harness.input("patroni.switchover", given), seen);
      await expect(second).rejects.toThrow(/Patroni answered 412.*leader name does not match/);
    } finally {
      await net.close();
    }
  }, 100_000);

  test("a candidate that does not stream is refused by the leader's own account, whatever /cluster says", async () => {
    const address = {
      host: "127.0.0.1",
      user: "postgres",
      password: environment.superuser.password,
      database: "postgres",
    };
    const standby = new pg.Client({ ...address, port: candidate.port });
    await standby.connect();
    const receiver = "select pid from pg_stat_wal_receiver";
    // The walreceiver stands still, as over a link that hangs: Patroni notices nothing of it, or late.
    const [row] = (await standby.query<{ pid: number }>(receiver)).rows;
    try {
      process.kill(row?.pid as number, "SIGSTOP");
      const primary = new pg.Client({ ...address, port: leader.port });
      await primary.connect();
      await primary.query("create table if not exists behind (n int)");
      await primary.query("insert into behind select generate_series(1, 1000)");
      await primary.end();
      const looked = await harness.look("patroni.switchover", handOver());
      expect(blockedBy(looked.checks)).toContain("candidate.streams");
      expect(looked.facts.lagBytes).toBeGreaterThan(0);
    } finally {
      process.kill(row?.pid as number, "SIGCONT");
      await standby.end();
    }
    await environment.settled();
  }, 60_000);

  test("pause keeps switchovers away, and resume lets them be", async () => {
    const cluster = clusterOf();
    await harness.perform("pause", "patroni.pause", { cluster });
    expect(blockedBy((await harness.look("patroni.switchover", handOver())).checks)).toEqual(["cluster.notPaused"]);
    expect((await harness.look("patroni.pause", { cluster })).done).toBe("yes");
    await harness.perform("resume", "patroni.resume", { cluster });
    expect(blockedBy((await harness.look("patroni.switchover", handOver())).checks)).toEqual([]);
  }, 60_000);

  test("Patroni is not let act again while another server takes the writes", async () => {
    const place = ({ name, port }: PatroniNode) => ({ name, host: "127.0.0.1", port });
    await harness.perform("pause", "patroni.pause", { cluster: clusterOf() });
    const resume = (outside: object[], more = {}) => ({ cluster: clusterOf(), outside, ...more });
    // To the action it is a server outside: it is of the same system identifier and takes writes.
    expect(await blocks("patroni.resume", resume([place(leader)]))).toContain(`outside.${leader.name}`);
    const silent = { name: "elsewhere", host: "127.0.0.1", port: 1 };
    expect(await blocks("patroni.resume", resume([silent]))).toContain("outside.elsewhere");
    expect(await blocks("patroni.resume", resume([silent], { acceptUnreachable: true }))).toEqual([]);
    expect(await blocks("patroni.resume", resume([{ ...silent, mayBeAbsent: true }]))).toEqual([]);
    await harness.perform("resume", "patroni.resume", resume([place(candidate)]));
  });

  test("a cluster is not made to follow a server that takes no writes, nor one of its own history", async () => {
    const place = ({ name, port }: PatroniNode) => ({ name, host: "127.0.0.1", port });
    const follow = (primary: object) => blocks("patroni.demote_cluster", { cluster: clusterOf(), primary });
    expect(await follow(place(candidate))).toContain("evidence.primary");
    expect(await follow({ name: "elsewhere", host: "127.0.0.1", port: 1 })).toContain("evidence.primary");
    expect(await follow(place(leader))).toEqual(["evidence.history"]);
    expect((await environment.configure()).standby_cluster).toBeUndefined();
  });

  test("a cluster that is led is not failed over, and a leader is not rebuilt", async () => {
    const cluster = clusterOf();
    const failover = await harness.look("patroni.failover", { cluster, candidate: candidate.name });
    expect(blockedBy(failover.checks)).toEqual(["leader.lost", "loss.accepted"]);
    const rebuild = await harness.look("patroni.reinitialize", { cluster, member: leader.name });
    expect(blockedBy(rebuild.checks)).toEqual(["member.expendable"]);
  }, 60_000);

  test("members of another cluster behind these addresses do not count as an answer", async () => {
    const cluster = { ...clusterOf(), name: "another" };
    const looked = await harness.look("patroni.failover", {
      cluster,
      candidate: candidate.name,
      allowDataLoss: true,
    });
    expect([blockedBy(looked.checks), looked.done]).toEqual([["leader.lost", "candidate.fit"], "unknown"]);
    expect(looked.checks[0]?.says).toContain("it is of cluster practice, and the plan is for another");
  }, 60_000);

  test("a replica is rebuilt from the leader until it streams", async () => {
    const { evidence } = await harness.perform("rebuild", "patroni.reinitialize", {
      cluster: clusterOf(),
      member: candidate.name,
    });
    expect(evidence.says).toContain(`${candidate.name} streams from the leader, 0 bytes behind`);
  }, 90_000);

  test("an API that hangs costs seconds, and the others are enough to look", async () => {
    const hung = environment.nodes.find((node) => node !== leader && node !== candidate) as PatroniNode;
    const net = await openNet(Number(new URL(hung.api).port));
    net.hold();
    try {
      const cluster = clusterOf({ ...clusterOf().api, [hung.name]: net.url(`${hung.api}/`) });
      const started = performance.now();
      const looked = await harness.look("patroni.check", { cluster, candidate: candidate.name });
      expect(performance.now() - started).toBeLessThan(25_000);
      expect(blockedBy(looked.checks)).toEqual([]);
      expect(looked.facts.leader).toBe(leader.name);
    } finally {
      net.resume();
      await net.close();
    }
  }, 60_000);

  describe("patroni.failover", () => {
    let api: Awaited<ReturnType<typeof openApi>>;
    let lost: PatroniNode;
    let given: { cluster: object; candidate: string; allowDataLoss: true };
    beforeEach(async () => {
      api = await openApi(environment);
      lost = await leaveBehind(environment);
      const next = environment.nodes.find((node) => node !== lost) as PatroniNode;
      given = { cluster: api.cluster, candidate: next.name, allowDataLoss: true };
    }, 100_000);
    afterEach(async () => {
      await api.close();
      await home(environment);
    }, 100_000);
    const injectFault = (kind: FaultKind) => api.way.faults.throw({ kind, on: "writes", times: 1, after: 0 });
    const effects = () => api.way.writes().filter(({ done }) => done).length;

    test("no one leads: what does nothing is known to have done nothing, and is sent once", async () => {
      const step = new Step(harness, "patroni.failover", given);
      const died = await performAndDie("patroni.failover", given, { secrets, at: "is asked to lead" });
      step.before = died.before;
      expect([await step.afterwards(), effects()]).toEqual(["again", 0]);
      for (const kind of ["throttle", "down", "hang"] as const) {
        const sent = api.way.writes().length;
        injectFault(kind);
        await expect(step.apply(1500)).rejects.toThrow();
        expect([kind, api.way.writes().length - sent]).toEqual([kind, 1]);
      }
      injectFault("lie");
      await step.apply();
      await expect(step.verify(1500)).rejects.toThrow();
      expect([await step.afterwards(), effects()]).toEqual(["again", 0]);
    }, 100_000);

    test.each([
      ["an error was answered", "failAfter"],
      ["its process was killed while it waited", "hangAfter"],
      ["its process was killed right afterwards", null],
    ] as const)(
      "no one leads, and %s: one leads afterwards, asked for once",
      async (_what, kind) => {
        const step = new Step(harness, "patroni.failover", given);
        if (kind) injectFault(kind);
        if (kind === "failAfter") {
          await step.intend();
          await expect(step.apply()).rejects.toThrow();
        } else {
          const when = kind && (() => until("the request having had its effect", () => effects() === 1, 40));
          const died = await performAndDie("patroni.failover", given, { secrets, ...(when ? { when } : {}) });
          step.before = died.before;
        }
        expect(await step.afterwards()).toBe("verify");
        const { says } = await step.verify(60_000);
        expect(says).toContain(`${given.candidate} leads`);
        expect(effects()).toBe(1);
        // The one who finds one leading, by whatever hand, asks for nothing.
        const { applied } = await harness.perform("again", "patroni.failover", given);
        expect([applied, effects()]).toEqual([false, 1]);
      },
      100_000,
    );
  });
});
