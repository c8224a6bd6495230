import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { kubeconfigOf } from "../../practice/targets/kubernetes/index.ts";
import { actions } from "../../src/actions/index.ts";
import type { Plan } from "../../src/catalog/types.ts";
import { createFaultLifter, openFaults } from "../../src/engine/fault-lifter.ts";
import type { Event } from "../../src/incident/events.ts";
import { canonicalBytes, hashOf } from "../../src/lib/canonical.ts";
import type { Projector } from "../../src/projection/projector.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSchedule } from "../../src/timeline/schedule.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { deployment, type KubernetesFixture, NAMESPACE, openKubernetesFixture } from "../support/kubernetes-fixture.ts";
import { seen as preflight } from "../support/orders-system.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { moving } from "../support/probation-states.ts";

let server: TestServer;
let cluster: KubernetesFixture;
let store: Store;
let other: Store;
let limits: string | null = null;
const lifters: Projector[] = [];

beforeAll(async () => {
  [server, cluster] = await Promise.all([testServer(), openKubernetesFixture()]);
}, 60_000);
beforeEach(async () => {
  limits = null;
  const url = await server.database();
  [store, other] = [await storeOn(url), await storeOn(url)];
}, 60_000);
afterEach(async () => {
  await Promise.all(lifters.splice(0).map((one) => one.stop()));
  await Promise.all([store.close(), other.close()]);
});
afterAll(async () => {
  await Promise.all([server?.close(), cluster?.close()]);
}, 60_000);

function lifter(on: Store): void {
  const secret = () => kubeconfigOf([cluster.primary]);
  const one = createFaultLifter({
    ...{ timeline: on.timeline, incidents: incidentsOn(on), schedule: createSchedule(on.pool), actions, secret },
    ...{ drillLimits: () => limits, practice: true, log: quiet, everyMs: 50, againMs: 200 },
  });
  lifters.push(one);
  one.start();
}

type Step = Extract<Plan["stages"][number]["steps"][number], { kind: "action" }>;

/** A drill that marked the nodes of a zone, as far as `more` says. */
async function drill(run: string, more: readonly Event[], given: Partial<Step> = {}): Promise<string> {
  const stage = moving.stages[0] as Plan["stages"][number];
  const step = (id: string, action: string, input: object) => ({
    ...(stage.steps[0] as Step),
    ...{ id, title: `Step ${id}`, action, input: actions.get(action)?.input.parse(input) },
  });
  const target = { cluster: cluster.target, fault: "zone" };
  const steps = [
    { ...step("break", "kubernetes.fail_zone", { ...target, zone: "a" }), ...given },
    step("lift", "kubernetes.lift_fault", { ...target, kind: "zone" }),
  ];
  const plan: Plan = { ...moving, kind: "drill", drill: { on: "practice" }, stages: [{ ...stage, steps }] };
  const [planHash, actor] = [hashOf(plan), { kind: "bot" }];
  const { runbook, title, mode } = plan;
  const declared = {
    title: "Drill",
    system: "orders",
    severity: "P3",
    kind: "drill",
    impactStartedAt: null,
    announceIn: null,
  } as const;
  const requested = { runbook, title, planHash, mode, dryRun: false, requester: "ana", announceIn: null };
  const events: readonly Event[] = [
    { type: "incident.declared", data: declared },
    { type: "run.requested", data: requested },
    { type: "run.preflighted", data: preflight },
    { type: "step.started", data: { step: "break", attempt: 1, epoch: "1" } },
    { type: "step.intended", data: { step: "break", attempt: 1, before: { answers: true, nodes: [] } } },
    ...more,
  ] as readonly Event[];
  const stream = `inc-${run}`;
  const ends = more.some(({ type }) => /^run\.(aborted|verified)$/.test(type));
  await store.timeline.decide(stream, () => ({
    events: events.map((event, n) => ({
      ...event,
      ...{ key: `${run}/${n}`, run: event.type === "incident.declared" ? null : run, actor },
    })),
    runs: [{ id: run, planHash, planBytes: canonicalBytes(plan), resources: [] }],
    ...(ends && { ended: [run] }),
    value: null,
  }));
  return stream;
}

function broken(): void {
  cluster.primary.edit("nodes", undefined, "node-1", (node) => {
    node.spec = { unschedulable: true };
    node.metadata.labels = { "lifeboat.dev/fault": "zone" };
  });
}
const isBroken = () => cluster.primary.get("nodes", undefined, "node-1")?.spec?.unschedulable === true;
const told = async (stream: string) =>
  (await store.timeline.read(stream)).filter(({ type }) => type.startsWith("fault.")).map(({ type }) => type);
const done = (step: string): readonly Event[] => [
  { type: "step.verified", data: { step, attempt: 1, says: "Done", facts: [], rpo: null, seconds: 1 } },
];
const aborted: Event = { type: "run.aborted", data: { reason: "enough", stateNow: "The zone is out" } };

test("what an aborted drill broke is lifted, once by two processes", async () => {
  broken();
  const stream = await drill("run-aborted", [...done("break"), aborted]);
  for (const one of [store, other]) lifter(one);
  await until(async () => (await told(stream)).length > 0);
  expect(isBroken()).toBe(false);
  expect(await told(stream)).toEqual(["fault.lifted"]);
});

test("a bot that died between the intent and the answer leaves nothing broken once its run ended", async () => {
  broken();
  const stream = await drill("run-died", [aborted]);
  lifter(store);
  await until(async () => (await told(stream)).length > 0);
  expect([isBroken(), await told(stream)]).toEqual([false, ["fault.lifted"]]);
});

test("what may not be touched is said once, and lifted as soon as it may be", async () => {
  broken();
  limits = "The drill environment's values have changed.";
  const stream = await drill("run-limits", [...done("break"), aborted]);
  lifter(store);
  await until(async () => (await told(stream)).length > 0);
  expect([isBroken(), await told(stream)]).toEqual([true, ["fault.remains"]]);
  const [event] = (await store.timeline.read(stream)).filter(({ type }) => type === "fault.remains");
  expect(event?.data).toMatchObject({ says: expect.stringContaining(limits) });
  limits = null;
  await until(async () => (await told(stream)).length > 1);
  expect([isBroken(), await told(stream)]).toEqual([false, ["fault.remains", "fault.lifted"]]);
});

test("a live drill is left alone until the time of its break is over; what a step ended is no one's any more", async () => {
  const open = async (stream: string) => openFaults(await incidentsOn(store).read(stream), actions);
  const live = await drill("run-live", done("break"), {});
  const [fault] = await open(live);
  const begun = (await store.timeline.read(live)).find(({ type }) => type === "step.started");
  expect((fault?.dueAt.getTime() ?? 0) - (begun?.at.getTime() ?? 0)).toBe(1800 * 1000);
  const lifted = await drill("run-lifted", [
    ...done("break"),
    { type: "step.started", data: { step: "lift", attempt: 1, epoch: "1" } },
    ...done("lift"),
    { type: "run.verified", data: { dryRun: false } },
  ]);
  expect(await open(lifted)).toEqual([]);
  const real = await drill("run-began", [aborted], { action: "kubernetes.lift_fault" });
  expect(await open(real)).toEqual([]);
});

test("a database that was killed isn't started as it was: people are told once", async () => {
  const input = {
    project: { socket: "/x.sock", engineId: "e", project: "p" },
    services: ["postgres"],
    startAgain: false,
  };
  const kill = { action: "compose.kill", input: actions.get("compose.kill")?.input.parse(input) };
  const stream = await drill("run-database", [...done("break"), aborted], kill);
  lifter(store);
  await until(async () => (await told(stream)).length > 0);
  const [event] = (await store.timeline.read(stream)).filter(({ type }) => type === "fault.remains");
  expect(event?.data).toMatchObject({ says: expect.stringMatching(/postgres: rebuilt by the runbook/) });
  expect(openFaults(await incidentsOn(store).read(stream), actions)).toEqual([]);
});

test("pods that were cut off are reached again when the drill ends, and without any bot when its time is over", async () => {
  const { primary } = cluster;
  primary.put("deployments", NAMESPACE, deployment("api", 1));
  const address = () => primary.listeners(NAMESPACE, ["app", "api"])[0];
  await until(async () => address() !== undefined);
  const probe = { url: `${address()}/health` };
  const answers = async () => (await fetch(probe.url).catch(() => null))?.ok === true;
  const harness = cluster.harness();
  const input = { cluster: cluster.target, fault: "cut", pods: { app: "api" }, probe, seconds: 3600 };
  const isolate = actions.get("kubernetes.isolate");
  const ctx = {
    ...({ ...harness.context, kind: "drill", drill: () => null, secret: () => kubeconfigOf([primary]) } as const),
    ...{ budget: isolate?.budget ?? { typicalSeconds: 1, warnSeconds: 1, failSeconds: 9 } },
    ...{ progress: () => {}, launched: async () => {} },
  };
  const parsed = isolate?.input.parse(input);
  expect(await answers()).toBe(true);
  const seen = await isolate?.observe(ctx, parsed);
  const handle = (await isolate?.apply?.(ctx, parsed, seen)) ?? null;
  await isolate?.verify(ctx, parsed, seen, handle);
  expect(await answers()).toBe(false);
  // An hour is nine seconds here: no bot is at it.
  await until(answers, 30);
  expect([primary.list("networkpolicies"), primary.list("jobs")]).toEqual([[], []]);
}, 60_000);
