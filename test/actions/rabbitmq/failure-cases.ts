import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type PracticeRabbit,
  RABBITMQ_PACKAGES,
  RABBITMQ_PROGRAMS,
  startRabbit,
  USER,
} from "../../../practice/targets/rabbitmq/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { asked, type FailureCase, type FailureSuite, struck } from "../../support/failure-case.ts";
import { openFront } from "../fault-proxy.ts";

let rabbit: PracticeRabbit;
let folder: string;
/** For the tests beside these. */
export const opened = () => ({ rabbit, folder, file: join(folder, "all.json") });

export const needs = { programs: RABBITMQ_PROGRAMS, packages: RABBITMQ_PACKAGES };
export const brokerOf = (one: PracticeRabbit, port = one.port) => ({
  url: `http://127.0.0.1:${port}`,
  login: { user: USER, passwordFrom: "RABBIT" },
  cluster: one.cluster,
});
export async function declareObjects(one: PracticeRabbit): Promise<void> {
  await one.api("PUT", "/api/queues/%2f/orders", { durable: true, arguments: { "x-max-length": 10 } });
  await one.api("PUT", "/api/exchanges/%2f/events", { type: "topic", durable: true });
  await one.api("POST", "/api/bindings/%2f/e/events/q/orders", { routing_key: "order.*" });
}
export const queuesOf = async (one: PracticeRabbit) =>
  ((await one.api("GET", "/api/queues/%2f")) as { name: string }[]).map(({ name }) => name);

const importing: FailureCase = {
  action: "rabbitmq.import",
  seconds: { hanging: 1 },
  kill: { at: "importing" },
  async begin() {
    await rabbit.forget();
    const way = await openFront(rabbit.url, (method) => method === "POST");
    const input = { broker: brokerOf(rabbit, way.port), file: join(folder, "all.json") };
    return {
      input,
      secrets: { RABBIT: rabbit.password },
      ...struck(way),
      holds: async () => (await queuesOf(rabbit)).join() === "orders",
      byHand: () => declareObjects(rabbit),
      wrong: () => rabbit.api("PUT", "/api/queues/%2f/orders", { durable: false }),
      blocks: "objects.compatible",
      other: () => asked({ ...input, broker: { ...input.broker, cluster: "another" } }),
      close: () => way.close(),
    };
  },
};

let files = 0;
/** Its request only reads; what counts is the file, which is there as a whole or not. */
const exporting: FailureCase = {
  action: "rabbitmq.export",
  seconds: { hanging: 1 },
  absolute: "an export changes nothing in the broker, and its file is replaced by one rename",
  async begin() {
    const file = join(folder, `export-${++files}.json`);
    const way = await openFront(rabbit.url, (_method, path) => path === "/api/definitions");
    const { throw: injectFault } = struck(way);
    const input = { broker: brokerOf(rabbit, way.port), file };
    let byOthers = false;
    return {
      input,
      secrets: { RABBIT: rabbit.password },
      sent: () => Number(existsSync(file) && !byOthers),
      accepted: () => Number(existsSync(file)),
      // The first of two reads is the look before.
      throw: (fault) => injectFault(fault, 1),
      holds: () => existsSync(file),
      byHand() {
        byOthers = true;
        return actionHarness({ RABBIT: rabbit.password }).perform("x", "rabbitmq.export", {
          ...input,
          broker: brokerOf(rabbit),
        });
      },
      other: () => asked({ ...input, broker: { ...input.broker, cluster: "another" } }),
      close: () => way.close(),
    };
  },
  instead: {
    "killed during": "the file is written beside its place and renamed: it is there as a whole or not at all",
    "wrong state": "whatever the broker has can be written down; a broker that does not answer is `broker.answers`",
  },
};

export const suite: FailureSuite = {
  needs,
  async open() {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-definitions-"));
    rabbit = await startRabbit();
    await declareObjects(rabbit);
    const given = { broker: brokerOf(rabbit), file: join(folder, "all.json") };
    await actionHarness({ RABBIT: rabbit.password }).perform("export", "rabbitmq.export", given);
  },
  async close() {
    await rabbit?.stop();
    await rm(folder, { recursive: true, force: true });
  },
  cases: [importing, exporting],
};
