import { openServer, type StandInServer } from "../../../practice/kit/server.ts";
import { createCluster, kubeconfigOf, type PracticeCluster } from "../../../practice/targets/kubernetes/index.ts";
import { asked, type FailureCase, type FailureSuite, type Struck, struck } from "../../support/failure-case.ts";

/** An application with a flag, told by its own endpoint or by a ConfigMap, that obeys when it has heard of it. */
export interface App {
  readonly server: StandInServer;
  readonly cluster: PracticeCluster;
  readonly secrets: Record<string, string>;
  /** Its flag is set, and it does not obey. */
  deaf: boolean;
  own: boolean;
  begin(): void;
  byHttp(to?: string): Given;
  byConfig(to?: string): Given;
  close(): Promise<unknown>;
}
interface Given {
  readonly flag: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export async function openApp(): Promise<App> {
  const cluster = await createCluster({ name: "one", pace: { timeScale: 400 } });
  const viaConfig = () => cluster.get("configmaps", "app", "flags") as { data?: Record<string, string> } | undefined;
  const server = await openServer({
    isWrite: ({ method }) => method === "PUT",
    answer({ method, path, headers, json }) {
      if (path === "/writes/probe") {
        const off = app.own || viaConfig()?.data?.READ_ONLY === "true";
        return { status: off && !app.deaf ? 503 : 204 };
      }
      if (headers.authorization !== "Bearer app-token") return { status: 401, body: {} };
      if (method === "PUT") app.own = json<{ readonly: boolean }>().readonly;
      return { status: 200, body: { readonly: app.own } };
    },
  });
  const given = (to: string, flag: Given["flag"]): Given => {
    return { name: "shop", flag, to, probe: { url: server.url, path: "/writes/probe" }, settleSeconds: 1 };
  };
  const target = { kubeconfigFrom: "KUBE", context: "one", namespace: "app", clusterUid: cluster.uid };
  const app: App = {
    server,
    cluster,
    secrets: { APP_TOKEN: "app-token", OTHERS: "theirs", KUBE: kubeconfigOf([cluster]) },
    deaf: false,
    own: false,
    begin() {
      app.own = false;
      app.deaf = false;
      if (viaConfig()) cluster.remove("configmaps", "app", "flags");
      cluster.put("configmaps", "app", { metadata: { name: "flags" }, data: { READ_ONLY: "false" } });
      server.forget();
      server.faults.clear();
      cluster.faults.clear();
    },
    byHttp: (to = "readonly") => given(to, { by: "http", url: server.url, tokenFrom: "APP_TOKEN" }),
    byConfig: (to = "readonly") =>
      given(to, { by: "kubernetes", cluster: target, configMap: "flags", key: "READ_ONLY" }),
    close: () => Promise.all([server.close(), cluster.close()]),
  };
  return app;
}

let app: App;
/** For the tests beside these. */
export const opened = () => app;

function told(of: string, to: "readonly" | "writable", target: () => Struck, input: () => Given): FailureCase {
  const set = (on: boolean) =>
    of.startsWith("by http")
      ? () => {
          app.own = on;
        }
      : () => {
          app.cluster.edit("configmaps", "app", "flags", (one) => {
            one.data = { READ_ONLY: String(on) };
          });
        };
  const isSo = () => app.own || JSON.stringify(app.cluster.get("configmaps", "app", "flags")).includes('"true"');
  return {
    action: "app.readonly",
    of,
    async begin() {
      app.begin();
      const on = to === "readonly";
      set(!on)();
      const one = input();
      return {
        input: one,
        secrets: app.secrets,
        ...struck(target()),
        holds: () => isSo() === on,
        byHand: set(on),
        wrong() {
          if (of.startsWith("by http")) return asked({ ...one, flag: { ...one.flag, key: "nothing" } });
          return asked({ ...one, flag: { ...one.flag, key: "NOTHING" } });
        },
        blocks: "flag.answers",
        other() {
          // An application that is not ours does not know our token; a cluster says itself which it is.
          if (of.startsWith("by http")) return asked({ ...one, flag: { ...one.flag, tokenFrom: "OTHERS" } });
          const cluster = { ...(one.flag.cluster as object), clusterUid: "00000000-0000-4000-8000-000000000000" };
          return asked({ ...one, flag: { ...one.flag, cluster } });
        },
      };
    },
  };
}

export const suite: FailureSuite = {
  async open() {
    app = await openApp();
  },
  close: () => app.close(),
  cases: [
    told(
      "by http, to readonly",
      "readonly",
      () => app.server,
      () => app.byHttp(),
    ),
    told(
      "by http, to writable",
      "writable",
      () => app.server,
      () => app.byHttp("writable"),
    ),
    told(
      "by kubernetes, to readonly",
      "readonly",
      () => app.cluster,
      () => app.byConfig(),
    ),
    told(
      "by kubernetes, to writable",
      "writable",
      () => app.cluster,
      () => app.byConfig("writable"),
    ),
  ],
};
