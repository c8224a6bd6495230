import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { createWorkspace, type Workspace } from "../../practice/slack/index.ts";
import { checkNode } from "../../src/doctor/host.ts";
import { examine, type Finding } from "../../src/doctor/index.ts";
import { checkMail, checkSlack } from "../../src/doctor/outside.ts";
import { checkStore } from "../../src/doctor/store.ts";
import { freePort } from "../../src/lib/port.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { makeKeys } from "../../src/timeline/keys.ts";
import { built } from "../support/built.ts";
import { asSuperuser, quiet, type TestServer, testServer } from "../support/postgres.ts";
import { productionSystem } from "../support/production-system.ts";

/** `lifeboat doctor` against real servers, each with one thing wrong. */
let server: TestServer;
let folder: string;
const keys = makeKeys();
const recordKeys = { LIFEBOAT_EVENT_KEYS: keys.events.join(","), LIFEBOAT_SIGNING_KEY: keys.signing ?? "" };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-doctor-"));
  server = await testServer();
}, 60_000);
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const byId = (findings: readonly Finding[]) => Object.fromEntries(findings.map(({ id, state }) => [id, state]));
const storeAt = (databaseUrl: string | undefined, ownerUrl?: string) =>
  checkStore({
    store: { databaseUrl, ownerUrl, dataFolder: folder, stateFolder: folder, keys: undefined, production: true },
  });

/** The URL with another login. */
function as(url: string, user: string, password = user): string {
  const login = new URL(url);
  [login.username, login.password] = [user, password];
  return login.href;
}

async function cli(args: readonly string[], env: Readonly<Record<string, string>>) {
  const options = {
    cwd: projectRoot(),
    env: { PATH: process.env.PATH ?? "", HOME: folder, LIFEBOAT_DATA: folder, ...env },
  };
  const file = await built("src/cli.ts");
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [file, ...args], options, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}

describe("the store", () => {
  test("one that is empty lacks the schema, and is left empty", async () => {
    const url = await server.database();
    expect(byId(await storeAt(url))).toMatchObject({ store: "ok", "store-writable": "ok", "store-migrated": "fail" });
    expect(await asSuperuser(url, "select from pg_namespace where nspname = 'lifeboat'")).toEqual([]);
  });

  test("one that was migrated is well for the bot's login, and not for the owner's", async () => {
    const url = await server.database();
    await asSuperuser(url, "create role doctor_bot login password 'doctor_bot'");
    const bot = as(url, "doctor_bot");
    const migrated = await cli(["migrate"], { DATABASE_URL: bot, DATABASE_OWNER_URL: url, ...recordKeys });
    expect(migrated).toMatchObject({ code: 0 });
    expect(byId(await storeAt(bot))).toEqual({
      store: "ok",
      "store-writable": "ok",
      "store-migrated": "ok",
      "store-login": "ok",
      clock: "ok",
    });
    expect(byId(await storeAt(url, url))).toMatchObject({ "store-login": "fail", "store-owner": "warn" });
    await asSuperuser(url, `alter role doctor_bot set default_transaction_read_only = on`);
    expect(byId(await storeAt(bot))).toMatchObject({ store: "ok", "store-writable": "fail" });
  });

  test("one that is away, refuses the login, or is not named at all", async () => {
    const url = await server.database();
    const away = new URL(url);
    away.port = String(await freePort());
    for (const wrong of [away.href, as(url, "nobody"), undefined])
      expect(byId(await storeAt(wrong))).toEqual({ store: "fail" });
  });
});

describe("Slack", () => {
  const opened: Workspace[] = [];
  afterAll(async () => {
    for (const workspace of opened) await workspace.close();
  });

  /** A workspace whose app was installed with this manifest, and what is seen of it. */
  async function seen(
    change: (manifest: { oauth_config: { scopes: { bot: string[] } } }) => void = () => {},
    announceIn = "incident-response",
    token?: string,
  ): Promise<readonly Finding[]> {
    const manifest = parse(await readFile(join(projectRoot(), "manifest.yml"), "utf8"));
    change(manifest);
    const workspace = await createWorkspace({ port: 0, manifest });
    opened.push(workspace);
    const { SLACK_API_URL: apiUrl, SLACK_BOT_TOKEN, SLACK_APP_TOKEN: appToken } = workspace.environment();
    const slack = {
      ...{ botToken: token ?? SLACK_BOT_TOKEN, transport: { kind: "socket", appToken }, apiUrl, announceIn },
      ...{ allowed: [], appId: null, rate: 1, slackUnavailable: "refuse", membershipSeconds: 900 },
    };
    const posted = workspace.snapshot().messages.length;
    const findings = await checkSlack({ slack } as unknown as Parameters<typeof checkSlack>[0], quiet);
    expect(workspace.snapshot().messages).toHaveLength(posted);
    expect(workspace.connections()).toEqual([]);
    return findings;
  }

  test("as the manifest installs it", async () => {
    expect(byId(await seen())).toEqual({
      slack: "ok",
      "slack-scopes": "ok",
      "slack-transport": "ok",
      "slack-announce": "ok",
    });
  });

  test("an app that was installed before a scope was added", async () => {
    const findings = await seen(({ oauth_config: { scopes } }) => {
      scopes.bot = scopes.bot.filter((scope) => scope !== "files:write");
    });
    expect(findings.find(({ id }) => id === "slack-scopes")).toMatchObject({
      state: "fail",
      says: "The token lacks files:write.",
    });
  });

  test("a channel for announcements that isn't there", async () => {
    expect(byId(await seen(undefined, "no-such-channel"))).toMatchObject({ slack: "ok", "slack-announce": "fail" });
  });

  test("a token Slack does not take", async () => {
    expect(byId(await seen(undefined, undefined, "xoxb-practice-wrong"))).toEqual({ slack: "fail" });
  });
});

test("a mail server that is not there", async () => {
  const at = (port: number) => ({
    comms: { mail: { url: `smtp://someone:canary@127.0.0.1:${port}`, from: "a@example.com" } },
  });
  const finding = await checkMail(at(await freePort()) as unknown as Parameters<typeof checkMail>[0]);
  expect(finding).toMatchObject({ state: "fail" });
  expect(JSON.stringify(finding)).not.toContain("canary");
});

test.each([
  ["20.18.3", "fail"],
  ["20.19.0", "ok"],
  ["24.1.0", "ok"],
  ["18.20.0", "fail"],
])("Node %s: %s", (version, state) => {
  expect(checkNode(version).state).toBe(state);
});

describe("all of it", () => {
  test("settings that are wrong are told one by one, and nothing else is tried", async () => {
    const findings = await examine(
      { LIFEBOAT_INTERNAL_LISTEN: "many", DATABASE_URL: "postgres://x:canary@127.0.0.1:1/y" },
      quiet,
    );
    expect(findings.map(({ id }) => id)).toEqual(["node", "settings", "settings", "settings"]);
    expect(JSON.stringify(findings)).toMatch(
      /LIFEBOAT_INTERNAL_LISTEN: .*LIFEBOAT_EVENT_KEYS: .*LIFEBOAT_SIGNING_KEY: /s,
    );
    expect(JSON.stringify(findings)).not.toContain("canary");
  });

  test("the command line: a page and an exit code, JSON, no secret in either, and a script's weaknesses", async () => {
    const scripts = "scripts: { wipe: { file: scripts/wipe.mjs, environment: [VAULT_TOKEN] } }\n";
    const systems = await productionSystem(folder, scripts);
    await mkdir(join(systems, "vault", "scripts"));
    const script = join(systems, "vault", "scripts", "wipe.mjs");
    await writeFile(script, "");
    await chmod(script, 0o755);
    const env = { LIFEBOAT_SYSTEMS: systems, DATABASE_URL: "postgres://x:canary@127.0.0.1:1/y", ...recordKeys };
    const page = await cli(["doctor"], env);
    expect(page.code).toBe(1);
    expect(page.out).toMatch(/^FAIL {2}The store can't be reached: /m);
    expect(page.out).toMatch(/^FAIL {2}Not set: VAULT_TOKEN\.$/m);
    expect(page.out).toMatch(/^warn {2}No bot answers on /m);
    expect(page.out).toMatch(/\n\d to put right before a bot is trusted here\.\n$/);
    const json = await cli(["doctor", "--json"], { ...env, VAULT_TOKEN: "canary" });
    const { ok, findings } = JSON.parse(json.out) as { ok: boolean; findings: Finding[] };
    expect(ok).toBe(false);
    expect(byId(findings)).toMatchObject({ secrets: "ok", catalogue: "ok", lint: "ok", store: "fail", mail: "skip" });
    for (const { out, err } of [page, json]) expect(out + err).not.toMatch(/canary| {4}at /);
  }, 60_000);
});
