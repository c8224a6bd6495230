import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { projectRoot } from "../src/lib/root.ts";
import { makeKeys } from "../src/timeline/keys.ts";
import { built } from "./support/built.ts";
import { productionSystem } from "./support/production-system.ts";

/** A bot whose store takes its connection and says nothing: it is starting for as long as that lasts. */
let folder: string;
let systems: string;
let silent: Server;
let asked: Promise<unknown>;
let bot: ChildProcess | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-leaving-"));
  systems = await productionSystem(folder);
  silent = createServer((socket) => socket.on("error", () => {}));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
});
afterEach(() => {
  bot?.kill("SIGKILL");
});
afterAll(async () => {
  silent.close();
  await rm(folder, { recursive: true, force: true });
});

async function starting(): Promise<ChildProcess> {
  const keys = makeKeys();
  const { port } = silent.address() as { port: number };
  asked = once(silent, "connection");
  bot = spawn(process.execPath, [await built("src/main.ts"), "--no-slack"], {
    cwd: projectRoot(),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: `postgres://nobody:x@127.0.0.1:${port}/lifeboat`,
      LIFEBOAT_SYSTEMS: systems,
      LIFEBOAT_DATA: folder,
      LIFEBOAT_EVENT_KEYS: keys.events.join(","),
      LIFEBOAT_SIGNING_KEY: keys.signing ?? "",
    },
    stdio: "ignore",
  });
  const gone = once(bot, "exit").then(([code]) => {
    throw new Error(`It ended with ${code} before it asked its store`);
  });
  gone.catch(() => {});
  await Promise.race([asked, gone]);
  return bot;
}

test("a bot that waits for its store leaves when it is told to", async () => {
  const one = await starting();
  const gone = once(one, "exit");
  one.kill("SIGTERM");
  expect(await gone).toEqual([0, null]);
}, 60_000);

test("and at once when it is told twice", async () => {
  const one = await starting();
  const gone = once(one, "exit");
  one.kill("SIGTERM");
  one.kill("SIGINT");
  expect(await gone).toEqual([1, null]);
}, 60_000);
