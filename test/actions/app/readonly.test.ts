import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Door, openDoor } from "../../../src/practice/estate/door.ts";
import { createCluster, kubeconfigOf, type PracticeCluster } from "../../../src/practice/estate/kubernetes/index.ts";
import { blockedBy, conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";

/** An application with a flag, told by its own endpoint or by a ConfigMap, that obeys when it has heard of it. */
describe("app.readonly", () => {
  let app: Door;
  let cluster: PracticeCluster;
  let secrets: Record<string, string>;
  let own = false;
  let deaf = false;

  const viaConfig = () => cluster.get("configmaps", "app", "flags") as { data?: Record<string, string> } | undefined;
  const probe = () => ({ url: app.url, path: "/writes/probe" });
  const byHttp = (to = "readonly") => ({
    name: "shop",
    flag: { by: "http", url: app.url, tokenFrom: "APP_TOKEN" },
    to,
    probe: probe(),
    settleSeconds: 1,
  });
  const byConfig = (to = "readonly") => ({
    name: "shop",
    flag: {
      by: "kubernetes",
      cluster: { kubeconfigFrom: "KUBE", context: cluster.name, namespace: "app", clusterUid: cluster.uid },
      configMap: "flags",
      key: "READ_ONLY",
    },
    to,
    probe: probe(),
    settleSeconds: 1,
  });
  const puts = () => app.ledger.filter(({ method }) => method === "PUT").length;

  beforeAll(async () => {
    cluster = await createCluster({ name: "one", pace: { timeScale: 400 } });
    app = await openDoor({
      isWrite: ({ method }) => method === "PUT",
      answer({ method, path, headers, json }) {
        if (path === "/writes/probe") {
          const off = own || viaConfig()?.data?.READ_ONLY === "true";
          return { status: off && !deaf ? 503 : 204 };
        }
        if (headers.authorization !== "Bearer app-token") return { status: 401, body: {} };
        if (method === "PUT") own = json<{ readonly: boolean }>().readonly;
        return { status: 200, body: { readonly: own } };
      },
    });
    secrets = { APP_TOKEN: "app-token", KUBE: kubeconfigOf([cluster]) };
  });
  beforeEach(() => {
    own = false;
    deaf = false;
    if (cluster.get("configmaps", "app", "flags")) cluster.remove("configmaps", "app", "flags");
    cluster.put("configmaps", "app", { metadata: { name: "flags" }, data: { READ_ONLY: "false" } });
    app.forget();
  });
  afterAll(async () => {
    await Promise.all([app.close(), cluster.close()]);
  });

  test.each(["http", "kubernetes"])("by %s: set, seen by a refused write, and taken back", async (by) => {
    const conductor = conduct(secrets);
    const given = (to: string) => (by === "http" ? byHttp(to) : byConfig(to));
    const set = await conductor.perform("set", "app.readonly", given("readonly"));
    expect(set.evidence.says).toBe("shop refuses writes (503).");
    const again = await conductor.perform("again", "app.readonly", given("readonly"));
    expect(again.applied).toBe(false);
    const cleared = await conductor.perform("clear", "app.readonly", given("writable"));
    expect(cleared.evidence.says).toBe("shop takes writes again (204).");
  });

  test("a flag that is set and not obeyed is not evidence", async () => {
    deaf = true;
    const attempt = conduct(secrets).perform("set", "app.readonly", byHttp());
    await expect(attempt).rejects.toThrow(/refusing writes.*a write was answered 204/);
  });

  test("an application that is down does not obey, and one that refuses us is not guessed at", async () => {
    const conductor = conduct({ ...secrets, APP_TOKEN: "wrong" });
    const refused = await conductor.look("app.readonly", byHttp());
    expect(blockedBy(refused.checks)).toEqual(["flag.answers"]);
    const gone = { ...byHttp(), flag: { by: "http", url: "http://127.0.0.1:1" } };
    const looked = await conduct(secrets).look("app.readonly", gone);
    expect(looked.done).toBe("unknown");
  });

  test("killed after it was told, or the answer lost: one request, and it is seen", async () => {
    const conductor = conduct(secrets);
    const died = await performAndDie("app.readonly", byHttp(), { secrets });
    expect((await recoverFrom(conductor, "app.readonly", byHttp(), died.before)).way).toBe("verify");
    expect(puts()).toBe(1);
    await conductor.perform("clear", "app.readonly", byHttp("writable"));
    const { seen } = await conductor.look("app.readonly", byHttp());
    app.faults.throw({ kind: "dropAfter", on: "writes", times: 1 });
    await expect(conductor.perform("set", "app.readonly", byHttp())).rejects.toThrow();
    const found = await recoverFrom(conductor, "app.readonly", byHttp(), seen);
    expect(found).toMatchObject({ way: "verify", evidence: { says: "shop refuses writes (503)." } });
    expect(puts()).toBe(3);
  }, 30_000);

  test("one that hangs costs seconds and blocks", async () => {
    app.faults.throw({ kind: "hang", times: 1 });
    const looked = await conduct(secrets).look("app.readonly", byHttp());
    expect(blockedBy(looked.checks)).toEqual(["flag.answers"]);
  }, 30_000);
});
