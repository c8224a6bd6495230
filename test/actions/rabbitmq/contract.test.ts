import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import {
  type PracticeRabbit,
  RABBITMQ_PACKAGES,
  RABBITMQ_PROGRAMS,
  startRabbit,
  USER,
} from "../../../src/practice/estate/rabbitmq/index.ts";
import { openNet } from "../../timeline/net.ts";
import { type Conductor, conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";
import { describeWith } from "../present.ts";
import { Step } from "../step.ts";

const describe = await describeWith(RABBITMQ_PROGRAMS, RABBITMQ_PACKAGES);

describe("RabbitMQ, a real one", () => {
  let rabbit: PracticeRabbit;
  let conductor: Conductor;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-definitions-"));
    file = join(folder, "all.json");
    rabbit = await startRabbit();
    conductor = conduct({ RABBIT: rabbit.password });
    await furnish();
    await conductor.perform("export", "rabbitmq.export", { broker: broker(), file });
  }, 120_000);
  afterAll(async () => {
    await rabbit?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 30_000);
  beforeEach(() => rabbit.forget());

  const broker = (port = rabbit.port) => ({
    url: `http://127.0.0.1:${port}`,
    login: { user: USER, passwordFrom: "RABBIT" },
    cluster: rabbit.cluster,
  });
  const given = () => ({ broker: broker(), file });
  async function furnish() {
    await rabbit.api("PUT", "/api/queues/%2f/orders", { durable: true, arguments: { "x-max-length": 10 } });
    await rabbit.api("PUT", "/api/exchanges/%2f/events", { type: "topic", durable: true });
    await rabbit.api("POST", "/api/bindings/%2f/e/events/q/orders", { routing_key: "order.*" });
  }
  const queues = async () =>
    ((await rabbit.api("GET", "/api/queues/%2f")) as { name: string }[]).map(({ name }) => name);

  test("a broker that lost everything gets it back, and is itself afterwards", async () => {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await queues()).toEqual([]);
    const check = { broker: broker(), queues: ["orders"] };
    expect(await new Step(conductor, "rabbitmq.check", check).blockedBy()).toEqual(["queues"]);
    const { evidence, applied } = await conductor.perform("import", "rabbitmq.import", given());
    expect(applied).toBe(true);
    expect(evidence.says).toContain("1 queues, 1 exchanges, 1 bindings");
    const { facts } = await conductor.perform("check", "rabbitmq.check", check);
    expect(facts).toMatchObject({ brokerAnswers: true, "messages:orders": 0 });
    expect((await conductor.perform("again", "rabbitmq.import", given())).applied).toBe(false);
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
    await conductor.perform("foreign", "rabbitmq.import", { ...given(), file: foreign });
    expect(await rabbit.api("GET", "/api/overview")).toMatchObject({ cluster_name: rabbit.cluster });
    expect(await rabbit.api("GET", "/api/users/worker")).toMatchObject({ name: "worker" });
    await rabbit.api("DELETE", "/api/users/worker");
  }, 20_000);

  test("what would not work is said before anything is sent", async () => {
    const blocked = (more: object) => new Step(conductor, "rabbitmq.import", { ...given(), ...more }).blockedBy();
    expect(await blocked({ broker: { ...broker(), cluster: "another" } })).toEqual(["broker.answers"]);
    expect(await blocked({ file: join(folder, "none.json") })).toEqual(["file.readable"]);
    expect(await blocked({ sha256: "0".repeat(64) })).toEqual(["file.right"]);
    await rabbit.api("PUT", "/api/queues/%2f/orders", { durable: false });
    expect(await blocked({})).toEqual(["objects.compatible"]);
  }, 20_000);

  test("an answer lost on the way is looked for; one that hangs is known not to be there", async () => {
    const net = await openNet(rabbit.port);
    const wired = { ...given(), broker: broker(Number(new URL(net.url("http://127.0.0.1:1/")).port)) };
    const step = new Step(conductor, "rabbitmq.import", wired);
    await step.intend();
    net.hold();
    await expect(step.apply(300)).rejects.toThrow();
    net.cut();
    net.resume();
    expect(await step.afterwards()).toBe("again");
    const lost = net.loseAnswerTo("POST /api/definitions");
    await Promise.all([lost, step.apply().catch(() => {})]);
    expect(await step.afterwards()).toBe("verify");
    await step.verify();
    await net.close();
  }, 30_000);

  test("killed before the call, and after it; done by hand is found done", async () => {
    const secrets = { RABBIT: rabbit.password };
    const died = await performAndDie("rabbitmq.import", given(), { at: "importing", secrets });
    expect((await recoverFrom(conductor, "rabbitmq.import", given(), died.before)).way).toBe("again");
    await rabbit.forget();
    const late = await performAndDie("rabbitmq.import", given(), { secrets });
    expect((await recoverFrom(conductor, "rabbitmq.import", given(), late.before)).way).toBe("verify");
    await rabbit.forget();
    await furnish();
    expect(await new Step(conductor, "rabbitmq.import", given()).done()).toBe("yes");
  }, 60_000);

  test("an export is done when the file says what the broker has", async () => {
    await furnish();
    const one = { broker: broker(), vhost: "/", file: join(folder, "vhost.json") };
    const step = new Step(conductor, "rabbitmq.export", one);
    expect(await step.done()).toBe("no");
    await conductor.perform("export", "rabbitmq.export", one);
    expect(await step.done()).toBe("yes");
    await rabbit.forget();
    await conductor.perform("import", "rabbitmq.import", one);
    expect(await queues()).toEqual(["orders"]);
  }, 20_000);
});
