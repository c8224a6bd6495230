import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { PracticeRabbit } from "../../../practice/targets/rabbitmq/index.ts";
import { type ActionHarness, actionHarness } from "../../support/action-harness.ts";
import { describeWith } from "../../support/describe-with.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { Step } from "../../support/step.ts";
import { brokerOf, declareObjects, needs, opened, queuesOf, suite } from "./failure-cases.ts";

await runFailureSuite(suite);
const describe = await describeWith(needs.programs, needs.packages);

describe("RabbitMQ, a real one", () => {
  let rabbit: PracticeRabbit;
  let harness: ActionHarness;
  let folder: string;
  let file: string;

  beforeAll(() => {
    ({ rabbit, folder, file } = opened());
    harness = actionHarness({ RABBIT: rabbit.password });
  });
  beforeEach(() => rabbit.forget());

  const broker = () => brokerOf(rabbit);
  const given = () => ({ broker: broker(), file });
  const queues = () => queuesOf(rabbit);

  test("a broker that lost everything gets it back, and is itself afterwards", async () => {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await queues()).toEqual([]);
    const check = { broker: broker(), queues: ["orders"] };
    expect(await new Step(harness, "rabbitmq.check", check).blockedBy()).toEqual(["queues"]);
    const { evidence, applied } = await harness.perform("import", "rabbitmq.import", given());
    expect(applied).toBe(true);
    expect(evidence.says).toContain("1 queues, 1 exchanges, 1 bindings");
    const { facts } = await harness.perform("check", "rabbitmq.check", check);
    expect(facts).toMatchObject({ brokerAnswers: true, "messages:orders": 0 });
    expect((await harness.perform("again", "rabbitmq.import", given())).applied).toBe(false);
    const [one] = (await rabbit.api("GET", "/api/bindings/%2f/e/events/q/orders")) as { routing_key: string }[];
    expect(one?.routing_key).toBe("order.*");
  }, 20_000);

  test("definitions of another cluster neither rename this one nor lock us out", async () => {
    const other = JSON.parse(await readFile(file, "utf8"));
    other.global_parameters = [{ name: "cluster_name", value: "somebody-else" }];
    other.users = [
      { ...other.users[0], password_hash: "AAAAAAAA" },
      { ...other.users[0], name: "worker" },
    ];
    const foreign = join(folder, "foreign.json");
    await writeFile(foreign, JSON.stringify(other));
    await harness.perform("foreign", "rabbitmq.import", { ...given(), file: foreign });
    expect(await rabbit.api("GET", "/api/overview")).toMatchObject({ cluster_name: rabbit.cluster });
    expect(await rabbit.api("GET", "/api/users/worker")).toMatchObject({ name: "worker" });
    await rabbit.api("DELETE", "/api/users/worker");
  }, 20_000);

  test("what would not work is said before anything is sent", async () => {
    const blocked = (more: object) => new Step(harness, "rabbitmq.import", { ...given(), ...more }).blockedBy();
    expect(await blocked({ broker: { ...broker(), cluster: "another" } })).toEqual(["broker.answers"]);
    expect(await blocked({ file: join(folder, "none.json") })).toEqual(["file.readable"]);
    expect(await blocked({ sha256: "0".repeat(64) })).toEqual(["file.right"]);
    await rabbit.api("PUT", "/api/queues/%2f/orders", { durable: false });
    expect(await blocked({})).toEqual(["objects.compatible"]);
  }, 20_000);

  test("an export is done when the file says what the broker has", async () => {
    await declareObjects(rabbit);
    const one = { broker: broker(), vhost: "/", file: join(folder, "vhost.json") };
    const step = new Step(harness, "rabbitmq.export", one);
    expect(await step.done()).toBe("no");
    await harness.perform("export", "rabbitmq.export", one);
    expect(await step.done()).toBe("yes");
    await rabbit.forget();
    await harness.perform("import", "rabbitmq.import", one);
    expect(await queues()).toEqual(["orders"]);
  }, 20_000);
});
