import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { showOwner } from "../../src/cli/dr/owner.ts";
import { CLIENT_HEADER, type Hello, type Opened, PATHS } from "../../src/control/protocol.ts";
import { freePort } from "../../src/lib/port.ts";
import type { Store } from "../../src/timeline/index.ts";
import { built } from "../support/built.ts";
import { asSuperuser, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { testKeySettings } from "../support/record-keys.ts";
import { KeyFiles, SecurityKey } from "../support/security-key.ts";

/**
 * A caller with the command line's rights and no others: a user of the bot's machine, mapped to Rio, who may ask and not
 * approve. Whatever they type, set, plant or send, nothing is approved and nothing is started; the world has the ledger.
 * The bot is a process of its own, without Slack; where this test runs as root, the caller is another user.
 */
let caller = process.getuid?.() ?? 0;
/** The caller is another user than this process and the bot. */
let apart = false;

let server: TestServer;
let store: Store;
let home: string;
let socket: string;
let bot: ChildProcess;
let world: { readonly server: Server; readonly url: string; readonly ledger: string[] };
let files: KeyFiles;
let stolen: { readonly file: string };
const vera = new SecurityKey();
let run: string;
let ask: string;

const system = (irisKey: string) => `
title: Vault
environment: production
components: { database: { title: Vault, rto: 10m, rpo: 1m } }
roles:
  responder: { title: On-call engineer, explains: You look first. }
  incident-commander: { title: Incident commander, explains: You decide. }
  vp-engineering: { title: VP Engineering, explains: You are asked last., standing: true }
people:
  rio: { name: Rio Tan, slack: [URIO7], roles: [responder] }
  iris: { name: Iris Chen, slack: [UIRIS7], roles: [incident-commander], keys: ["${irisKey}"] }
  vera: { name: Vera Holm, slack: [UVERA7], roles: [vp-engineering, incident-commander], keys: ["${vera.publicKey}"] }
severities:
  P0: { title: Down, respondWithin: 15m }
  P1: { title: Hurting, respondWithin: 1h }
  P2: { title: Annoying, respondWithin: 4h }
  P3: { title: Unnoticed, respondWithin: 1d }
scripts:
  wipe: { file: scripts/wipe.mjs }
`;

const runbook = (url: string) => `
title: Wipe the vault
summary: Takes everything out of the vault.
component: database
changes: the vault is empty
stages:
  - id: decide
    title: Decide
    steps:
      - { id: approve, title: "Wipe the vault?", gate: { role: vp-engineering, stepUp: true, expires: 1h } }
  - id: wipe
    title: Wipe
    steps:
      - id: wipe
        title: Wipe the vault
        action: script.run
        with: { script: wipe, arguments: ["${url}/wipe"], observe: { url: "${url}/state", changes: wipedAt } }
afterwards: [Fill it again.]
`;

/** Root becomes another user for the caller, where that one may read the program at all. */
async function becomeCaller(): Promise<void> {
  if (caller !== 0) return;
  chmodSync(join(dirname(await built("src/cli.ts")), ".."), 0o755);
  caller = 65_534;
  apart = true;
  if ((await dr(["--version"])).code === 0) return;
  [caller, apart] = [0, false];
}

beforeAll(async () => {
  await becomeCaller();
  [server, files] = await Promise.all([testServer(), KeyFiles.open()]);
  home = await mkdtemp(join(tmpdir(), "lifeboat-security-"));
  chmodSync(home, 0o755);
  world = await openWorld();
  stolen = await files.make("iris", "ed25519");
  const iris = (await files.make("iris-own", "ed25519")).publicKey;
  const vault = join(home, "systems", "vault");
  for (const folder of ["runbooks", "scripts"]) mkdirSync(join(vault, folder), { recursive: true });
  writeFileSync(join(vault, "system.yml"), system(iris));
  writeFileSync(join(vault, "runbooks", "wipe.yml"), runbook(world.url));
  const script = '#!/usr/bin/env node\nawait fetch(process.argv[2], { method: "POST" });\n';
  writeFileSync(join(vault, "scripts", "wipe.mjs"), script, { mode: 0o755 });

  socket = join(home, "run", "bot.sock");
  const [database, health] = [await server.database(), await freePort()];
  await asSuperuser(database, "create role door_bot login password 'door_bot'");
  const login = new URL(database);
  [login.username, login.password] = ["door_bot", "door_bot"];
  bot = spawn(process.execPath, [await built("src/cli.ts"), "bot", "--no-slack"], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: login.href,
      DATABASE_OWNER_URL: database,
      ...testKeySettings,
      LIFEBOAT_SYSTEMS: join(home, "systems"),
      LIFEBOAT_DATA: join(home, "data"),
      LIFEBOAT_CLI_SOCKET: socket,
      LIFEBOAT_CLI_USERS: `${caller}=rio`,
      LIFEBOAT_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
      LIFEBOAT_INTERNAL_LISTEN: String(health),
      LOG_LEVEL: "fatal",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  store = await storeOn(database);
  await until(() => existsSync(socket) || bot.exitCode !== null, 60);
  const asked = await dr(["runbook", "wipe", "--severity", "P1"]);
  expect(asked).toEqual({ code: 0, out: expect.any(String) });
  await until(async () => (await events("gate.opened")).length === 1, 30);
  const [opened] = await events("gate.opened");
  run = opened?.run ?? "";
  ask = askOf(opened);
}, 120_000);
afterAll(async () => {
  await store?.close();
  if (bot && bot.exitCode === null) {
    bot.kill("SIGTERM");
    await once(bot, "exit");
  }
  await server?.close();
  await files?.close();
  world?.server.close();
  await rm(home, { recursive: true, force: true });
}, 60_000);

async function openWorld() {
  const ledger: string[] = [];
  const answering = createServer((asked, answer) => {
    if (asked.method === "POST") ledger.push(asked.url ?? "");
    answer.setHeader("content-type", "application/json").end(JSON.stringify({ wipedAt: `${ledger.length}` }));
  });
  await new Promise<void>((listening) => answering.listen(0, "127.0.0.1", listening));
  const { port } = answering.address() as AddressInfo;
  return { server: answering, url: `http://127.0.0.1:${port}`, ledger };
}

/** `lifeboat dr` as the caller, in a process of its own, with this environment and nothing else. */
async function dr(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; out: string }> {
  const program = [await built("src/cli.ts"), "dr", ...args];
  const own = { PATH: process.env.PATH ?? "", LIFEBOAT_CLI_SOCKET: socket, ...env };
  const as = apart ? { uid: caller, gid: caller } : {};
  return new Promise((resolve) => {
    const child = execFile(process.execPath, program, { env: own, cwd: tmpdir(), ...as }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 99 : 0, out: `${stdout}${stderr}` });
    });
    child.stdin?.end();
  });
}

async function events(type: string) {
  const streams = await store.timeline.streams("inc-");
  const all = await Promise.all(streams.map(({ id }) => store.timeline.read(id)));
  return all.flat().filter((event) => event.type === type);
}

function askOf(event: { readonly data: unknown } | undefined): string {
  return String((event?.data as { ask?: string } | undefined)?.ask);
}

async function nothingHappened(): Promise<void> {
  expect(world.ledger).toEqual([]);
  for (const type of ["gate.approved", "gate.passed", "gate.broken", "gate.denied"])
    expect(await events(type)).toEqual([]);
  expect((await events("step.started")).filter(({ data }) => (data as { step: string }).step === "wipe")).toEqual([]);
}

function send<T>(path: string, body: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const headers = { [CLIENT_HEADER]: "1" };
    const asking = request({ socketPath: socket, path, method: "POST", headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      answer.on("end", () => resolve(JSON.parse(text)));
    });
    asking.on("error", reject);
    asking.end(JSON.stringify(body));
  });
}

describe("no one becomes someone else", () => {
  test("the start of a bot without Slack stands on the timeline, with who did it", async () => {
    const [started] = await store.timeline.read("workspace");
    expect(started).toMatchObject({ type: "bot.startedWithoutSlack", data: { user: expect.any(String) } });
  });

  test("the requester is who the bot says, and may not approve", async () => {
    const [requested] = await events("run.requested");
    expect(requested?.actor).toMatchObject({ person: "rio", door: "cli" });
    expect(await dr(["approve", run, ask])).toMatchObject({ code: 1 });
    await nothingHappened();
  });

  test.each<[string, readonly string[], () => Record<string, string>]>([
    ["a map of one's own", [], () => ({ LIFEBOAT_CLI_USERS: `${caller}=vera,nobody=vera,root=vera` })],
    ["no ageing", ["--as", "vera", "--code", "000000"], () => ({ LIFEBOAT_MFA_COOLDOWN_HOURS: "0" })],
    ["a catalogue of one's own", [], () => ({ LIFEBOAT_SYSTEMS: join(home, "mine"), LIFEBOAT_VALUES: "/etc/passwd" })],
    ["a store of one's own", [], () => ({ DATABASE_URL: "postgres://127.0.0.1:1/x", LIFEBOAT_DATA: tmpdir() })],
    [
      "another user's name",
      [],
      () => ({ USER: "vera", LOGNAME: "vera", SUDO_USER: "vera", SUDO_UID: "0", HOME: "/root" }),
    ],
    ["practice", [], () => ({ SLACK_API_URL: "http://127.0.0.1:4180/api/", LIFEBOAT_SECRET_KEY: "A".repeat(44) })],
    ["a key that isn't on the roster", ["--key", "iris"], () => ({})],
    ["a name", ["--as", "Vera Holm"], () => ({})],
    ["a name and no code", ["--as", "vera", "--code", ""], () => ({})],
  ])("%s gives nothing", async (_, door, env) => {
    const options = door.map((word) => (word === "iris" ? stolen.file : word));
    expect((await dr([...options, "approve", run, ask], env())).code).not.toBe(0);
    await nothingHappened();
  });

  test("a file of someone else's, linked or named again, says nothing", async () => {
    const theirs = join(home, "theirs");
    for (const plant of [symlinkSync, linkSync]) {
      const { nonce, file, mark } = await send<Hello>(PATHS.hello, {});
      writeFileSync(theirs, mark);
      chmodSync(theirs, 0o644);
      plant(theirs, file ?? "");
      await send<Opened>(PATHS.open, { nonce, words: ["list"], as: null, sign: false });
      expect(await send(PATHS.run, { nonce, code: null, signature: null })).toMatchObject({ exit: 1 });
    }
    if (apart) {
      // Root is a user like others, and no one here.
      const { nonce, file, mark } = await send<Hello>(PATHS.hello, {});
      await showOwner(file ?? "", mark);
      await send<Opened>(PATHS.open, { nonce, words: ["approve", run, ask], as: null, sign: false });
      expect(await send(PATHS.run, { nonce, code: null, signature: null })).toMatchObject({ exit: 1 });
    }
    await nothingHappened();
  });

  test("a signature for something else, or of an earlier request, approves nothing", async () => {
    const opened = async (words: readonly string[]) => {
      const { nonce } = await send<Hello>(PATHS.hello, {});
      const { statement } = await send<Opened>(PATHS.open, { nonce, words, as: null, sign: true });
      return { nonce, statement: statement ?? "" };
    };
    const [list, first, second] = [
      await opened(["list"]),
      await opened(["approve", run, ask]),
      await opened(["approve", run, ask]),
    ];
    const of = (nonce: string, signature: string) => send(PATHS.run, { nonce, code: null, signature });
    expect(await of(first.nonce, vera.sign(list.statement))).toMatchObject({ exit: 1 });
    expect(await of(second.nonce, vera.sign(first.statement))).toMatchObject({ exit: 1 });
    expect(await of(first.nonce, vera.sign(first.statement))).toMatchObject({ error: expect.any(String) });
    await nothingHappened();
  });
});

test("no order of commands, environments, files and requests approves or starts anything a responder may not", async () => {
  const person = fc.constantFrom("vera", "iris", "rio", "VERA", "@vera", "", "vault/vera", "__proto__");
  const target = () =>
    fc.constantFrom(run, ask, `${run}/${ask}`, "wipe", "approve", "decide", "database", "vera", "P0");
  const verb = fc.constantFrom(
    ...[
      "approve",
      "gate.approve",
      "deny",
      "skip",
      "retry",
      "done",
      "resume",
      "break-glass",
      "gate.break",
      "gate.breakConfirm",
    ],
    ...["delegate", "role", "vouch", "enroll", "undo", "replan", "escalate", "review", "unplanned", "status", ""],
  );
  const option = fc.constantFrom(
    "--as=vera",
    "--code=123456",
    "--incident",
    "--help",
    "--carries",
    "--person=vera",
    "--proved",
  );
  const words = fc.tuple(verb, fc.array(fc.oneof(target(), option, fc.string({ maxLength: 20 })), { maxLength: 4 }));
  const body = fc.record(
    {
      as: fc.oneof(person, fc.constant(null)),
      sign: fc.boolean(),
      words: words.map(([first, rest]) => [first, ...rest]),
      code: fc.oneof(fc.constant(null), fc.stringMatching(/^\d{6}$/)),
      signature: fc.oneof(fc.constant(null), fc.string(), fc.constant(vera.sign("anything"))),
      owner: fc.boolean(),
      extra: fc.constantFrom({}, { person: "vera" }, { uid: 0 }, { caller: { person: "vera" } }, { proved: true }),
    },
    { requiredKeys: ["as", "sign", "words", "code", "signature", "owner", "extra"] },
  );
  const environment = fc.dictionary(
    fc.constantFrom(
      "LIFEBOAT_CLI_USERS",
      "LIFEBOAT_MFA_COOLDOWN_HOURS",
      "LIFEBOAT_SYSTEMS",
      "USER",
      "SUDO_USER",
      "LIFEBOAT_CLI_KEY",
    ),
    fc.constantFrom("0", "vera", `${caller}=vera`, "/tmp", "nobody=vera"),
    { maxKeys: 4 },
  );
  const [commands, environments] = [fc.sample(words, 12), fc.sample(environment, 12)];
  for (const [n, [first, rest]] of commands.entries())
    await dr(
      [first, ...rest].filter((word) => !word.includes("\0")),
      environments[n] ?? {},
    );
  await fc.assert(
    fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 4 }), async (sequence) => {
      for (const { as, sign, words, code, signature, owner, extra } of sequence) {
        const { nonce, file, mark } = await send<Hello>(PATHS.hello, {});
        // As Rio's own user where this isn't root; else as root, who is no one. The processes below are Rio in both.
        if (owner && file) await showOwner(file, mark);
        await send(PATHS.open, { nonce, words, as, sign, ...extra });
        await send(PATHS.run, { nonce, code, signature });
      }
      expect(world.ledger).toEqual([]);
    }),
    { numRuns: 30 },
  );
  for (const type of ["gate.approved", "gate.passed", "gate.broken"]) expect(await events(type)).toEqual([]);
  expect(world.ledger).toEqual([]);
  expect(readdirSync(home).sort()).toEqual(["data", "run", "systems", "theirs"]);
}, 240_000);

test("the one whose gate it is approves with a key that knows her, and it is done once", async () => {
  await dr(["abort", run, "asked anew"]);
  await until(async () => (await events("run.aborted")).length === 1, 30);
  await until(async () => (await dr(["runbook", "wipe"])).code === 0, 60);
  await until(async () => (await events("gate.opened")).at(-1)?.run !== run, 30);
  const opened = (await events("gate.opened")).at(-1);
  const open = askOf(opened);
  const { nonce } = await send<Hello>(PATHS.hello, {});
  const words = ["approve", opened?.run, open];
  const { statement } = await send<Opened>(PATHS.open, { nonce, words, as: null, sign: true });
  const signature = vera.sign(statement ?? "");
  expect(await send(PATHS.run, { nonce, code: null, signature })).toMatchObject({ exit: 0 });
  await until(async () => (await events("run.verified")).length === 1, 60);
  expect(world.ledger).toEqual(["/wipe"]);
}, 120_000);
