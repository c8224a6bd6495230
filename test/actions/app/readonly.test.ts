import { beforeEach, describe, expect, test } from "@jest/globals";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { opened, suite } from "./failure-cases.ts";

holdPermissions(["app.readonly"]);

await runFailureSuite(suite);

describe("app.readonly", () => {
  beforeEach(() => opened().begin());
  const byHttp = (to?: string) => opened().byHttp(to);

  test.each(["http", "kubernetes"])("by %s: set, seen by a refused write, and taken back", async (by) => {
    const harness = actionHarness(opened().secrets);
    const given = (to: string) => (by === "http" ? byHttp(to) : opened().byConfig(to));
    const set = await harness.perform("set", "app.readonly", given("readonly"));
    expect(set.evidence.says).toBe("shop refuses writes (503).");
    const again = await harness.perform("again", "app.readonly", given("readonly"));
    expect(again.applied).toBe(false);
    const cleared = await harness.perform("clear", "app.readonly", given("writable"));
    expect(cleared.evidence.says).toBe("shop takes writes again (204).");
  });

  test("a flag that is set and not obeyed is not evidence", async () => {
    opened().deaf = true;
    const attempt = actionHarness(opened().secrets).perform("set", "app.readonly", byHttp());
    await expect(attempt).rejects.toThrow(/refusing writes.*a write was answered 204/);
  });

  test("an application that is down does not obey, and one that refuses us is not guessed at", async () => {
    const harness = actionHarness({ ...opened().secrets, APP_TOKEN: "wrong" });
    const refused = await harness.look("app.readonly", byHttp());
    expect(blockedBy(refused.checks)).toEqual(["flag.answers"]);
    const gone = { ...byHttp(), flag: { by: "http", url: "http://127.0.0.1:1" } };
    const looked = await actionHarness(opened().secrets).look("app.readonly", gone);
    expect(looked.done).toBe("unknown");
  });

  test("killed for real after it was told: one request, and it is seen", async () => {
    const { secrets, server } = opened();
    const died = await performAndDie("app.readonly", byHttp(), { secrets });
    expect((await recoverFrom(actionHarness(secrets), "app.readonly", byHttp(), died.before)).way).toBe("verify");
    expect(server.writes()).toHaveLength(1);
  }, 90_000);

  test("one that hangs costs seconds and blocks", async () => {
    opened().server.faults.throw({ kind: "hang", times: 1 });
    const looked = await actionHarness(opened().secrets).look("app.readonly", byHttp());
    expect(blockedBy(looked.checks)).toEqual(["flag.answers"]);
  }, 90_000);
});
