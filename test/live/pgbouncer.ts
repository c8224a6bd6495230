import { PGBOUNCER_PACKAGES, PGBOUNCER_PROGRAMS, startPgBouncer } from "../../practice/targets/pgbouncer/index.ts";
import { freePort } from "../../src/lib/port.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

export const pgbouncer: Target = {
  id: "pgbouncer",
  title: "PgBouncer",
  settings: [
    { name: "PGBOUNCER_ADMIN", says: "its console: postgres://lifeboat@10.0.0.5:6432" },
    { name: "PGBOUNCER_PASSWORD", says: "of that login, which is one of its admin_users" },
    { name: "PGBOUNCER_DATABASE", says: "a database it serves, as [databases] calls it" },
    { name: "PGBOUNCER_TLS", says: "verify, encrypt or off", otherwise: "off" },
  ],
  mayChange: { is: "that database", does: "is paused and resumed: its clients wait a moment and see no error" },
  needs: { programs: PGBOUNCER_PROGRAMS, packages: PGBOUNCER_PACKAGES },
  async standIn() {
    const login = { user: "lifeboat", password: "practice" };
    // No one connects through it, so no one has to be behind it.
    const target = { host: "127.0.0.1", port: await freePort(), database: "app" };
    const practiceEnvironment = await startPgBouncer({ database: "app", target, login });
    return {
      environment: {
        PGBOUNCER_ADMIN: `postgres://${login.user}@127.0.0.1:${practiceEnvironment.port}`,
        PGBOUNCER_PASSWORD: login.password,
        PGBOUNCER_DATABASE: "app",
      },
      mayChange: "app",
      stop: () => practiceEnvironment.stop(),
    };
  },
  deals({ setting, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const restorer = actionHarness({ ...environment }, { practice });
    const { hostname: host, port, username } = new URL(setting("PGBOUNCER_ADMIN"));
    const database = setting("PGBOUNCER_DATABASE");
    const pool = {
      name: `${host}:${port || 6432}`,
      host,
      port: Number(port || 6432),
      user: decodeURIComponent(username),
      passwordFrom: "PGBOUNCER_PASSWORD",
      database,
      tls: setting("PGBOUNCER_TLS"),
    };
    const isPaused = async () => (await harness.look("pgbouncer.pause", { pool })).facts.paused;
    return [
      {
        says: "it answers, and says where the database leads and how long clients may wait",
        async hold() {
          const { checks, facts } = await harness.look("pgbouncer.pause", { pool });
          insist(blockedBy(checks).length === 0, checks.map(({ says }) => says).join(" "));
          return `${checks.map(({ says }) => says).join(" ")} It leads to ${facts.target}; ${facts.clients} clients.`;
        },
      },
      {
        says: "a database it does not serve is refused",
        async hold() {
          const other = { ...pool, database: "lifeboat_is_not_here" };
          const { checks } = await harness.look("pgbouncer.pause", { pool: other });
          insist(blockedBy(checks).join() === "pool.answers", "it was taken for one it serves");
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "it holds clients back, and lets them go on",
        changes: `${database}: PAUSE, once its transactions have ended, and RESUME`,
        async hold(changes) {
          insist(mayChange === database, `--may-change says ${mayChange}, and the database is ${database}`);
          insist((await isPaused()) === false, "it is paused already, and resuming it is for whoever paused it");
          const putBack = changes.until({
            left: `${database} is paused, and its clients wait`,
            by: `RESUME ${database}; on PgBouncer's console`,
            back: () => restorer.perform("resume", "pgbouncer.resume", { pool }),
          });
          const { evidence } = await harness.perform("pause", "pgbouncer.pause", { pool });
          await putBack();
          insist((await isPaused()) === false, "it is still paused");
          return evidence.says;
        },
      },
    ];
  },
};
