import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createWorkspace, type Workspace } from "../practice/slack/index.ts";
import { freePort } from "../src/lib/port.ts";
import { projectRoot } from "../src/lib/root.ts";
import { built } from "./support/built.ts";
import { soon } from "./support/database-fixture.ts";
import { type Net, openNet } from "./support/network.ts";
import { type TestServer, testServer } from "./support/postgres.ts";

/** A bot and its store, with a network between them that can stop carrying anything. */
let folder: string;
let server: TestServer;
let net: Net;
let workspace: Workspace;
let bot: ChildProcess;
let at: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-health-"));
  server = await testServer();
  const database = await server.database();
  net = await openNet(Number(new URL(database).port));
  const port = await freePort();
  at = `http://127.0.0.1:${port}`;
  workspace = await createWorkspace({ port: 0 });
  net.hold();
  bot = spawn(process.execPath, [await built("src/main.ts")], {
    cwd: projectRoot(),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: net.url(database),
      LIFEBOAT_DATA: folder,
      LIFEBOAT_INTERNAL_LISTEN: String(port),
      ...workspace.environment(),
    },
    stdio: "ignore",
  });
}, 60_000);
afterAll(async () => {
  bot?.kill("SIGKILL");
  await net?.close();
  await workspace?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function asked(path: string): Promise<{ readonly status: number; readonly says: string }> {
  const response = await fetch(at + path, { signal: AbortSignal.timeout(5000) });
  return { status: response.status, says: (await response.text()).trim() };
}

async function untilReadiness(expected: { readonly status: number; readonly says: RegExp }): Promise<void> {
  await soon(
    `readiness ${expected.status}`,
    async () => {
      expect(bot.exitCode).toBeNull();
      const found = await asked("/ready").catch(() => null);
      return found !== null && found.status === expected.status && expected.says.test(found.says);
    },
    60,
  );
}

test("a bot whose store is away is alive, from its start on, and not ready until the store is back", async () => {
  const alive = { status: 200, says: "This bot is alive." };
  await untilReadiness({ status: 503, says: /starts, and waits for the store/ });
  expect(await asked("/live")).toEqual(alive);
  expect((await asked("/metrics")).status).toBe(503);
  net.resume();
  await untilReadiness({ status: 200, says: /Slack is heard/ });
  expect((await asked("/metrics")).status).toBe(200);
  net.hold();
  await untilReadiness({ status: 503, says: /The store does not answer/ });
  expect(await asked("/live")).toEqual(alive);
  net.resume();
  await untilReadiness({ status: 200, says: /Slack is heard/ });
  expect(bot.exitCode).toBeNull();
}, 240_000);
