import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { configurationTable } from "../../src/config.ts";
import { freePort } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { makeKeys } from "../../src/timeline/keys.ts";
import { built } from "../support/built.ts";
import { describeWith } from "../support/describe-with.ts";
import { type TestServer, testServer } from "../support/postgres.ts";
import { productionSystem } from "../support/production-system.ts";

/** No Docker here: what its PostgreSQL would run first is run in one, and the bot with the logins that makes. */
const root = projectRoot();
const folder = join(root, "deploy/compose");
const run = promisify(execFile);
const describe = await describeWith(["psql"], ["postgresql"]);

interface Service {
  readonly command?: string[];
  readonly environment: Record<string, string>;
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
}

describe("the compose file", () => {
  const PASSWORDS = { LIFEBOAT_OWNER_PASSWORD: "of the owner's", LIFEBOAT_BOT_PASSWORD: "of the bot's" };
  let services: Record<"store" | "migration" | "bot", Service>;
  let server: TestServer;
  let state: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    ({ services } = parse(await readFile(join(folder, "compose.yml"), "utf8"), { merge: true }));
    state = await mkdtemp(join(tmpdir(), "lifeboat-compose-"));
    server = await testServer();
    const { hostname: host, port, username, password } = new URL(server.server.url());
    const admin = { PGHOST: host, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: "postgres" };
    await run("sh", [join(folder, "store.sh")], { env: { PATH: process.env.PATH, ...admin, ...PASSWORDS } });
    const urlOf = (name: string, word: string) =>
      `postgres://${name}:${encodeURIComponent(word)}@${host}:${port}/lifeboat`;
    const keys = makeKeys();
    env = {
      PATH: process.env.PATH,
      DATABASE_URL: urlOf("lifeboat_bot", PASSWORDS.LIFEBOAT_BOT_PASSWORD),
      DATABASE_OWNER_URL: urlOf("lifeboat_owner", PASSWORDS.LIFEBOAT_OWNER_PASSWORD),
      LIFEBOAT_EVENT_KEYS: keys.events.join(","),
      LIFEBOAT_SIGNING_KEY: keys.signing ?? "",
      LIFEBOAT_STATE: state,
    };
  }, 120_000);
  afterAll(async () => {
    await server?.close();
    await rm(state, { recursive: true, force: true });
  }, 60_000);

  test("the two logins it makes are enough to migrate, and for a bot that lives", async () => {
    await run(process.execPath, [await built("src/cli.ts"), "migrate"], { env });
    const systems = await productionSystem(state);
    const port = await freePort();
    const { DATABASE_OWNER_URL: _, ...ofBot } = env;
    const bot = spawn(process.execPath, [await built("src/main.ts"), "--no-slack"], {
      cwd: root,
      env: {
        ...ofBot,
        LIFEBOAT_INTERNAL_LISTEN: String(port),
        LIFEBOAT_DATA: state,
        LIFEBOAT_SYSTEMS: systems,
        LOG_LEVEL: "error",
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    bot.stderr.on("data", (data) => {
      said += data;
    });
    const gone = once(bot, "exit");
    const lives = () =>
      fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(1000) }).then(
        ({ ok }) => ok,
        () => false,
      );
    const until = performance.now() + 60_000;
    while (!(await lives())) {
      if (bot.exitCode !== null || performance.now() > until) throw new Error(`It does not live. It said:\n${said}`);
      await new Promise((soon) => setTimeout(soon, 50));
    }
    bot.kill("SIGTERM");
    expect(await gone).toEqual([0, null]);
  }, 120_000);

  test("the administrator's login is refused for a bot", async () => {
    const administrator = { ...env, DATABASE_URL: server.server.url(undefined, "lifeboat") };
    await expect(run(process.execPath, [await built("src/cli.ts"), "migrate"], { env: administrator })).rejects.toThrow(
      /create role lifeboat_bot login/,
    );
  }, 60_000);

  test("only the migration is given the owner's login, and every variable is a setting", () => {
    const settings = new Set([...configurationTable().matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name));
    const { migration, bot } = services;
    expect(Object.keys(bot.environment)).not.toContain("DATABASE_OWNER_URL");
    expect(Object.keys(migration.environment)).toContain("DATABASE_OWNER_URL");
    for (const name of Object.keys({ ...migration.environment, ...bot.environment }))
      expect([name, settings.has(name)]).toEqual([name, true]);
  });

  test("the bot writes nothing into its image, and may drain before it is killed", () => {
    const { bot } = services;
    expect(bot.read_only).toBe(true);
    const [, drain] = /:-(\d+)\}/.exec(bot.environment.LIFEBOAT_DRAIN_SECONDS ?? "") ?? [];
    const [, grace] = /:-(\d+)s\}/.exec(bot.stop_grace_period ?? "") ?? [];
    expect(Number(grace)).toBe(Number(drain) + 15);
  });
});
