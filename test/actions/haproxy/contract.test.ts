import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import {
  HAPROXY_PACKAGES,
  HAPROXY_PROGRAMS,
  type PracticeHaproxy,
  startHaproxy,
} from "../../../src/practice/estate/haproxy/index.ts";
import { openNet } from "../../timeline/net.ts";
import { conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";
import { describeWith } from "../present.ts";
import { Step } from "../step.ts";

const describe = await describeWith(HAPROXY_PROGRAMS, HAPROXY_PACKAGES);

describe("haproxy.set_server, on a real HAProxy", () => {
  const conductor = conduct({});
  const servers: Server[] = [];
  const ports: number[] = [];
  let haproxy: PracticeHaproxy;

  beforeAll(async () => {
    for (const name of ["blue", "green"]) {
      const server = createServer((_request, response) => response.end(JSON.stringify({ served: name })));
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      servers.push(server);
      ports.push((server.address() as AddressInfo).port);
    }
    haproxy = await startHaproxy({ blue: ports[0] ?? 0, green: ports[1] ?? 0 });
  }, 60_000);
  afterAll(async () => {
    await haproxy?.stop();
    for (const server of servers) server.close();
  }, 30_000);

  const lead = (to: "blue" | "green", more: object = {}) => ({
    haproxy: { socket: haproxy.socket, node: "practice" },
    servers: [
      { backend: "web", server: to, state: "ready" },
      { backend: "web", server: to === "blue" ? "green" : "blue", state: "maint" },
    ],
    probe: { url: haproxy.url, json: { served: to } },
    ...more,
  });
  beforeEach(async () => {
    await conductor.perform("home", "haproxy.set_server", lead("blue"));
  });

  test("moves real requests in one request, and finds it done the next time", async () => {
    const { evidence, applied } = await conductor.perform("switch", "haproxy.set_server", lead("green"));
    expect(applied).toBe(true);
    expect(evidence.says).toContain("web/blue maint; web/green ready, up");
    expect((await conductor.perform("again", "haproxy.set_server", lead("green"))).applied).toBe(false);
  });

  test("another HAProxy, an unknown server, and a backend left without one are refused", async () => {
    const other = new Step(
      conductor,
      "haproxy.set_server",
      lead("green", { haproxy: { socket: haproxy.socket, node: "x" } }),
    );
    expect(await other.blockedBy()).toEqual(["haproxy.answers"]);
    const red = new Step(conductor, "haproxy.set_server", {
      ...lead("green"),
      servers: [{ backend: "web", server: "red", state: "ready" }],
    });
    expect(await red.blockedBy()).toEqual(["servers.present"]);
    const empty = new Step(conductor, "haproxy.set_server", {
      ...lead("green"),
      servers: [{ backend: "web", server: "blue", state: "maint" }],
    });
    expect(await empty.blockedBy()).toEqual(["backends.served"]);
  });

  test("an answer lost on the way is looked for; one that hangs is known not to be there", async () => {
    const net = await openNet(haproxy.port);
    const port = Number(new URL(net.url("http://127.0.0.1:1/")).port);
    const step = new Step(conductor, "haproxy.set_server", lead("green", { haproxy: { host: "127.0.0.1", port } }));
    await step.intend();
    net.hold();
    await expect(step.apply(300)).rejects.toThrow();
    net.cut();
    net.resume();
    expect(await step.afterwards()).toBe("again");
    const lost = net.loseAnswerTo("state ready");
    await Promise.all([lost, step.apply().catch(() => {})]);
    expect(await step.afterwards()).toBe("verify");
    await step.verify();
    await net.close();
  }, 20_000);

  test("a server that is ready and down is not believed", async () => {
    const step = new Step(conductor, "haproxy.set_server", {
      ...lead("green"),
      probe: { url: haproxy.url, json: { served: "nobody" } },
    });
    await step.intend();
    await step.apply();
    await expect(step.verify(700)).rejects.toThrow();
  });

  test("killed before the call, and after it", async () => {
    const dead = await performAndDie("haproxy.set_server", lead("green"), { at: "set server" });
    expect((await recoverFrom(conductor, "haproxy.set_server", lead("green"), dead.before)).way).toBe("again");
    const late = await performAndDie("haproxy.set_server", lead("blue"));
    expect((await recoverFrom(conductor, "haproxy.set_server", lead("blue"), late.before)).way).toBe("verify");
  }, 30_000);
});
