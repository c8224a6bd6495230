import { beforeAll, beforeEach, expect, test } from "@jest/globals";
import { HAPROXY_PACKAGES, HAPROXY_PROGRAMS } from "../../../practice/targets/haproxy/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { describeWith } from "../../support/describe-with.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { Step } from "../../support/step.ts";
import { type Front, opened, suite } from "./failure-cases.ts";

await runFailureSuite(suite);
const describe = await describeWith(HAPROXY_PROGRAMS, HAPROXY_PACKAGES);

describe("haproxy.set_server, on a real HAProxy", () => {
  const harness = actionHarness({});
  let front: Front;
  const lead: Front["lead"] = (to, more) => front.lead(to, more);

  beforeAll(() => {
    front = opened();
  });
  beforeEach(() => front.home());

  test("moves real requests in one request, and finds it done the next time", async () => {
    const { evidence, applied } = await harness.perform("switch", "haproxy.set_server", lead("green"));
    expect(applied).toBe(true);
    expect(evidence.says).toContain("web/blue maint; web/green ready, up");
    expect((await harness.perform("again", "haproxy.set_server", lead("green"))).applied).toBe(false);
  });

  test("another HAProxy, an unknown server, and a backend left without one are refused", async () => {
    const other = new Step(
      harness,
      "haproxy.set_server",
      lead("green", { haproxy: { socket: front.haproxy.socket, node: "x" } }),
    );
    expect(await other.blockedBy()).toEqual(["haproxy.answers"]);
    const red = new Step(harness, "haproxy.set_server", {
      ...lead("green"),
      servers: [{ backend: "web", server: "red", state: "ready" }],
    });
    expect(await red.blockedBy()).toEqual(["servers.present"]);
    const empty = new Step(harness, "haproxy.set_server", {
      ...lead("green"),
      servers: [{ backend: "web", server: "blue", state: "maint" }],
    });
    expect(await empty.blockedBy()).toEqual(["backends.served"]);
  });

  test("a server that is ready and down is not believed", async () => {
    const step = new Step(harness, "haproxy.set_server", {
      ...lead("green"),
      probe: { url: front.haproxy.url, json: { served: "nobody" } },
    });
    await step.intend();
    await step.apply();
    await expect(step.verify(700)).rejects.toThrow();
  });

  test("killed before the call, and after it", async () => {
    const dead = await performAndDie("haproxy.set_server", lead("green"), { at: "set server" });
    expect((await recoverFrom(harness, "haproxy.set_server", lead("green"), dead.before)).way).toBe("again");
    const late = await performAndDie("haproxy.set_server", lead("blue"));
    expect((await recoverFrom(harness, "haproxy.set_server", lead("blue"), late.before)).way).toBe("verify");
  }, 90_000);
});
