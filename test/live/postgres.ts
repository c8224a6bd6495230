import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHost } from "../../practice/environment/database.ts";
import { setUp } from "../../practice/environment/setup.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

export const postgres: Target = {
  id: "postgres",
  title: "a PostgreSQL primary and its standby",
  settings: [
    { name: "POSTGRES_PRIMARY", says: "the primary: postgres://lifeboat@10.0.0.5:5432/orders" },
    { name: "POSTGRES_STANDBY", says: "its standby, said the same way" },
    { name: "POSTGRES_PASSWORD", says: "of that login; what it is granted: README of src/actions/postgres" },
    { name: "POSTGRES_APP_USER", says: "the application's login, which writes nothing that stays" },
    { name: "POSTGRES_APP_PASSWORD", says: "that login's password" },
    { name: "POSTGRES_TABLE", says: "a table to count", otherwise: "pg_catalog.pg_class" },
    { name: "POSTGRES_TLS", says: "verify, encrypt or off", otherwise: "" },
    { name: "POSTGRES_OTHER", says: "a server of another cluster, to be told from it", otherwise: "" },
  ],
  mayChange: {
    is: "the primary, as host:port",
    does: "is fenced and opened again: a second or two without writes, and every session ended",
  },
  async standIn() {
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-pair-"));
    await chmod(folder, 0o711);
    const passwords = { owner: "owner", admin: "admin-secret", app: "app-secret", monitor: "m", replicator: "r" };
    const [primary, standby, other] = await Promise.all([
      createHost("contract-a", folder, passwords),
      createHost("contract-b", folder, passwords),
      createHost("contract-other", folder, passwords),
    ]);
    await Promise.all(
      [primary, other].map(async (host) => {
        await host.create();
        await host.start();
        await setUp(host, passwords);
      }),
    );
    await standby.follow(primary);
    return {
      environment: {
        POSTGRES_PRIMARY: `postgres://admin@127.0.0.1:${primary.port}/orders`,
        POSTGRES_STANDBY: `postgres://admin@127.0.0.1:${standby.port}/orders`,
        POSTGRES_PASSWORD: passwords.admin,
        POSTGRES_APP_USER: "app",
        POSTGRES_APP_PASSWORD: passwords.app,
        POSTGRES_TABLE: "pg_catalog.pg_class",
        POSTGRES_OTHER: `postgres://admin@127.0.0.1:${other.port}/orders`,
      },
      mayChange: `127.0.0.1:${primary.port}`,
      async stop() {
        await Promise.all([primary, standby, other].map((host) => host.kill()));
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  deals({ setting, optional, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const restorer = actionHarness({ ...environment }, { practice });
    const tls = optional("POSTGRES_TLS") === "" ? {} : { tls: optional("POSTGRES_TLS") };
    const nodeOf = (name: string) => {
      const { hostname: host, port, username, pathname } = new URL(setting(name));
      const database = pathname.slice(1) || "postgres";
      const login = { user: decodeURIComponent(username), passwordFrom: "POSTGRES_PASSWORD", database };
      return { name: `${host}:${port || 5432}`, host, port: Number(port || 5432), ...login, ...tls };
    };
    const [primary, standby] = [nodeOf("POSTGRES_PRIMARY"), nodeOf("POSTGRES_STANDBY")];
    const nodes = [standby, primary];
    const app = { user: setting("POSTGRES_APP_USER"), passwordFrom: "POSTGRES_APP_PASSWORD" };
    const fenced = async () =>
      (await harness.look("postgres.fence", { node: primary, app })).facts.readOnly as boolean | null;
    return [
      {
        says: "who is primary and who follows is looked up, not believed",
        async hold() {
          // Unplanned: how far it is behind at this moment is said, and decides nothing.
          const given = { nodes, mode: "unplanned" };
          const { facts, evidence } = await harness.perform("check", "postgres.check", given);
          insist(facts.primary === primary.name, `the primary is ${facts.primary}`);
          insist(facts.standby === standby.name, `the standby is ${facts.standby}`);
          insist(facts.streaming === true, `${standby.name} does not stream`);
          return `${evidence.says} Cluster ${facts.systemId}.`;
        },
      },
      {
        says: "a table is counted on the primary, and on the standby",
        async hold() {
          // An empty one would prove nothing.
          const counts = [{ table: setting("POSTGRES_TABLE"), min: 1 }];
          const one = await harness.perform("one", "postgres.verify_data", { node: primary, counts });
          const two = await harness.perform("two", "postgres.verify_data", { node: standby, counts });
          return `${one.evidence.says} ${two.evidence.says}`;
        },
      },
      ...(optional("POSTGRES_OTHER") === ""
        ? []
        : [
            {
              says: "a server of another cluster is told from it by its system identifier",
              async hold() {
                const strange = { nodes: [primary, standby, nodeOf("POSTGRES_OTHER")] };
                const { checks } = await harness.look("postgres.check", strange);
                insist(blockedBy(checks).includes("standby.sameCluster"), "it was taken for one of them");
                return checks.find(({ id }) => id === "standby.sameCluster")?.says ?? "";
              },
            },
          ]),
      {
        says: "it is fenced, which the application's own login sees, and opened again",
        changes: `${primary.name}: alter system set default_transaction_read_only, every session ended, and the setting reset`,
        async hold(changes) {
          insist(mayChange === primary.name, `--may-change says ${mayChange}, and the primary is ${primary.name}`);
          insist((await fenced()) === false, "it is read-only already, and opening it is for whoever made it so");
          const putBack = changes.until({
            left: `${primary.name} takes no writes`,
            by: "alter system reset default_transaction_read_only; select pg_reload_conf(); on it",
            back: () => restorer.perform("unfence", "postgres.unfence", { node: primary, app, other: standby }),
          });
          const { evidence } = await harness.perform("fence", "postgres.fence", { node: primary, app });
          await putBack();
          insist((await fenced()) === false, "it is still read-only");
          return evidence.says;
        },
      },
    ];
  },
};
