import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { createPrometheus, type Prometheus } from "../../practice/targets/prometheus/index.ts";
import { actions } from "../../src/actions/index.ts";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import type { Moves, Plan, System } from "../../src/catalog/types.ts";
import { createProbationMonitor } from "../../src/engine/probation-monitor.ts";
import type { Event } from "../../src/incident/events.ts";
import { canonicalBytes, hashOf } from "../../src/lib/canonical.ts";
import type { Projector } from "../../src/projection/projector.ts";
import type { Store } from "../../src/timeline/index.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { orders, seen as preflight } from "../support/orders-system.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { MOVES, moving } from "../support/probation-states.ts";

const system: System = {
  ...orders,
  environment: "practice",
  targets: [
    {
      ...{ id: "database", title: "Orders database", kind: "postgres", many: false },
      members: [
        { id: "orders-a", site: "eu-central", with: {}, values: {} },
        { id: "orders-b", site: "eu-west", with: {}, values: {} },
      ],
    },
  ],
};
const active: RoleObservation = { state: "active", says: "orders-b takes writes" };
const stands = (streaming: boolean): RoleObservation => ({
  ...{
    state: streaming ? "standby" : "silent",
    streaming,
    says: `orders-a ${streaming ? "follows" : "does not answer"}`,
  },
});

let server: TestServer;
let url: string;
let store: Store;
let other: Store;
let application: Server;
let prometheus: Prometheus;
let status = 200;
/** Whether the application fails the request it is asked now, whatever its status is else. */
let failing = () => false;
/** What Prometheus says of the share of requests that fail; null: it has no data. */
let share: string | null = "0";
let members = new Map<string, RoleObservation>();
const monitors: Projector[] = [];

beforeAll(async () => {
  server = await testServer();
  application = createServer((_, response) => response.writeHead(failing() ? 503 : status).end("{}"));
  prometheus = await createPrometheus({ finds: () => (share === null ? null : { scalar: share }) });
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
}, 60_000);
beforeEach(async () => {
  status = 200;
  failing = () => false;
  share = "0";
  members = new Map([
    ["orders-a", stands(false)],
    ["orders-b", active],
  ]);
  url = await server.database();
  [store, other] = [await storeOn(url), await storeOn(url)];
}, 60_000);
afterEach(async () => {
  await Promise.all(monitors.splice(0).map((one) => one.stop()));
  await Promise.all([store.close(), other.close()]);
});
afterAll(async () => {
  application?.close();
  await prometheus?.close();
  await server?.close();
}, 60_000);

function watch(on: Store): Projector {
  const monitor = createProbationMonitor({
    ...{
      timeline: on.timeline,
      incidents: incidentsOn(on),
      actions,
      systems: () => [system],
      practice: true,
      log: quiet,
    },
    ...{ variables: () => new Map(), secret: () => "", drillLimits: () => null, everySeconds: 0.05 },
    lookAt: async (targets) => new Map(targets.map(({ target }) => [target, members])),
  });
  monitors.push(monitor);
  monitor.start();
  return monitor;
}

/** A move that has just been verified, in a stream of its own. */
async function moved(stream: string, run: string, moves: Partial<Moves> = {}): Promise<void> {
  const { port } = application.address() as AddressInfo;
  const stage = moving.stages[0] as Plan["stages"][number];
  const step = {
    ...(stage.steps[0] as Extract<Plan["stages"][number]["steps"][number], { kind: "action" }>),
    ...{ id: "healthy", title: "Orders are taken", action: "http.check" },
    input: { checks: [{ url: `http://127.0.0.1:${port}/health` }] },
  };
  const errors = {
    ...{ ...step, id: "errors", title: "Few requests fail", action: "prometheus.check" },
    input: {
      ...{ prometheus: { url: prometheus.url }, measures: "Failed requests", query: "share", is: "<", limit: 0.05 },
      ...{ timeoutSeconds: 1, waitSeconds: 0, after: "healthy" },
    },
  };
  const plan: Plan = { ...moving, stages: [{ ...stage, steps: [step, errors] }] };
  const [planHash, actor] = [hashOf(plan), { kind: "bot" }];
  const { runbook, title, mode } = plan;
  const events: readonly Event[] = [
    {
      type: "incident.declared",
      data: {
        ...{ title: "Orders", system: "orders", severity: "P1", kind: "real", impactStartedAt: null, announceIn: null },
      },
    },
    {
      type: "run.requested",
      data: {
        ...{ runbook, title, planHash, mode, dryRun: false, requester: "ana", announceIn: null },
        moves: { ...MOVES, ...moves },
      },
    },
    { type: "run.preflighted", data: preflight },
    { type: "step.started", data: { step: "healthy", attempt: 1, epoch: "1" } },
    { type: "step.verified", data: { step: "healthy", attempt: 1, says: "Well", facts: [], rpo: null, seconds: 1 } },
    { type: "step.started", data: { step: "errors", attempt: 1, epoch: "1" } },
    { type: "step.verified", data: { step: "errors", attempt: 1, says: "Few", facts: [], rpo: null, seconds: 1 } },
    { type: "run.verified", data: { dryRun: false } },
  ];
  await store.timeline.decide(stream, () => ({
    events: events.map((event, n) => ({
      ...event,
      ...{ key: `${run}/${n}`, run: event.type === "incident.declared" ? null : run, actor },
    })),
    runs: [{ id: run, planHash, planBytes: canonicalBytes(plan), resources: [] }],
    ended: [run],
    value: null,
  }));
}

async function written(stream: string): Promise<readonly string[]> {
  const all = await store.timeline.read(stream);
  return all
    .filter(({ type }) => /^(probation|standby)\./.test(type))
    .map(({ type, data }) => {
      const { healthy, moved: again } = data as { healthy?: boolean; moved?: boolean };
      return [
        type,
        ...(healthy === undefined ? [] : [healthy ? "healthy" : "unhealthy"]),
        ...(again ? ["moved"] : []),
      ].join(" ");
    });
}

const sees = (stream: string, last: string) => until(async () => (await written(stream)).at(-1) === last, 20);

test("two processes and a restart record each change once, and nothing in between; the standby is looked for beyond the window", async () => {
  await moved("inc-1", "run-1", { probationSeconds: 3600 });
  const first = watch(store);
  await sees("inc-1", "probation.changed healthy");
  // Gone in the middle: the others find on the timeline how far it came.
  await first.stop();
  watch(store);
  watch(other);
  status = 503;
  await sees("inc-1", "probation.changed unhealthy");
  const [last] = (await store.timeline.read("inc-1")).slice(-1);
  expect(last?.data).toMatchObject({ says: [expect.stringMatching(/\/health .*503/)], failed: expect.any(Number) });
  status = 200;
  await sees("inc-1", "probation.changed healthy");
  members.set("orders-a", stands(true));
  await sees("inc-1", "standby.streams");
  members.set("orders-b", stands(true));
  members.set("orders-a", { ...active, says: "orders-a takes writes" });
  await sees("inc-1", "probation.changed unhealthy");
  expect(await written("inc-1")).toEqual([
    ...["standby.missing", "probation.changed healthy", "probation.changed unhealthy", "probation.changed healthy"],
    ...["standby.streams", "probation.changed unhealthy"],
  ]);
  expect((await store.timeline.verify()).ok).toBe(true);
}, 60_000);

test("the rate of errors is watched: too many, or no data, make the new side unhealthy, and say which", async () => {
  await moved("inc-6", "run-6", { probationSeconds: 3600 });
  watch(store);
  await sees("inc-6", "probation.changed healthy");
  const said = async () => (await store.timeline.read("inc-6")).at(-1)?.data;
  share = "0.4";
  await sees("inc-6", "probation.changed unhealthy");
  expect(await said()).toMatchObject({ says: ["Failed requests is 0.4; it has to be < 0.05."] });
  share = "0.01";
  await sees("inc-6", "probation.changed healthy");
  share = null;
  await sees("inc-6", "probation.changed unhealthy");
  expect(await said()).toMatchObject({
    says: ["Failed requests is unknown: it has no data for this query, and unknown is not < 0.05."],
  });
}, 60_000);

test("the window ends by the store's clock, once, and a standby is still looked for", async () => {
  await moved("inc-2", "run-2", { probationSeconds: 1 });
  watch(store);
  watch(other);
  await sees("inc-2", "probation.ended healthy");
  members.set("orders-a", stands(true));
  await sees("inc-2", "standby.streams");
  expect((await written("inc-2")).filter((one) => one.startsWith("probation.ended"))).toHaveLength(1);
}, 60_000);

test("moved again, in whichever incident: the first window is over, the second one is watched", async () => {
  await moved("inc-3", "run-3", { probationSeconds: 3600 });
  watch(store);
  await sees("inc-3", "probation.changed healthy");
  await moved("inc-4", "run-4", { probationSeconds: 3600 });
  await sees("inc-3", "probation.ended healthy moved");
  await sees("inc-4", "probation.changed healthy");
}, 60_000);

test("one failed look right after a move alarms no one; two in a row do", async () => {
  let asked = 0;
  failing = () => asked++ === 0;
  await moved("inc-5", "run-5", { probationSeconds: 3600 });
  watch(store);
  await sees("inc-5", "probation.changed healthy");
  expect(asked).toBeGreaterThan(1);
  expect(await written("inc-5")).toEqual(["standby.missing", "probation.changed healthy"]);
  failing = () => true;
  await moved("inc-6", "run-6", { probationSeconds: 3600 });
  await sees("inc-6", "probation.changed unhealthy");
  const [last] = (await store.timeline.read("inc-6")).slice(-1);
  expect(last?.data).toMatchObject({ failed: 2 });
}, 60_000);
