import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { signStatement } from "../../src/cli/dr/sign.ts";
import { dr } from "../../src/cli/dr.ts";
import { Buckets } from "../../src/control/bucket.ts";
import { openCallers } from "../../src/control/callers.ts";
import { type Hello, LIMITS } from "../../src/control/protocol.ts";
import { createSessions } from "../../src/control/sessions.ts";
import type { Store } from "../../src/timeline/index.ts";
import { built } from "../support/built.ts";
import { storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { KeyFiles } from "../support/security-key.ts";
import { Served } from "../support/served-control.ts";

const me = String(process.getuid?.());
let server: TestServer;
let store: Store;
let bot: Served;
let files: KeyFiles;

beforeAll(async () => {
  [server, files] = await Promise.all([testServer(), KeyFiles.open()]);
  store = await storeOn(await server.database());
}, 60_000);
beforeEach(async () => {
  bot = await Served.open(store, new Map([[me, "alex-rivera"]]));
});
afterEach(() => bot?.close());
afterAll(async () => {
  await store?.close();
  await server?.close();
  await files?.close();
});

const incidents = async () => (await store.timeline.streams("inc-")).length;

const owned = (nonce: string, more: object = {}) => ({ nonce, words: ["list"], as: null, sign: false, ...more });
const run = (nonce: string) => ({ nonce, code: null, signature: null });

describe("one request", () => {
  test("is done once: its nonce opens once, runs once, and a replay is refused and recorded", async () => {
    const before = await incidents();
    const { nonce } = await bot.opened(["declare", "P3", "Once"]);
    expect(await bot.send("/v1/run", run(nonce))).toMatchObject({ status: 200, body: { exit: 0 } });
    expect(await bot.send("/v1/run", run(nonce))).toMatchObject({ status: 409 });
    expect(await bot.send("/v1/open", owned(nonce))).toMatchObject({ status: 409 });
    expect(await incidents()).toBe(before + 1);
    const refused = (await store.timeline.read("workspace")).map(({ data }) => (data as { code: string }).code);
    expect(refused).toEqual(["request-repeated"]);
  });

  test("can't be run unopened, opened twice, made up, or sent twice at once", async () => {
    const before = await incidents();
    const { nonce } = await bot.hello();
    expect(await bot.send("/v1/run", run(nonce))).toMatchObject({ status: 409 });
    const other = await bot.opened(["list"]);
    expect(await bot.send("/v1/open", owned(other.nonce, { words: ["declare", "P0", "x"] }))).toMatchObject({
      status: 409,
    });
    expect(await bot.send("/v1/run", run("A".repeat(32)))).toMatchObject({ status: 409 });
    const twice = await bot.opened(["declare", "P3", "Twice"]);
    const sent = await Promise.all([1, 2, 3].map(() => bot.send("/v1/run", run(twice.nonce))));
    expect(sent.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await incidents()).toBe(before + 1);
  });

  test("ends with its time", () => {
    let now = 0;
    const sessions = createSessions(() => now);
    const first = sessions.begin("socket", true);
    now += LIMITS.openSeconds * 1000 + 1;
    expect(sessions.take(first?.nonce ?? "", "socket")).toEqual({ problem: "late" });
    const second = sessions.begin("socket", true);
    if (second === null) throw new Error("full");
    expect(sessions.take(second.nonce, "10.0.0.9")).toEqual({ problem: "unknown" });
    expect(sessions.take(second.nonce, "socket")).toMatchObject({ session: { nonce: second.nonce } });
    sessions.keep(second, { uid: 1, words: [], as: null, statement: null });
    now += LIMITS.runSeconds * 1000 + 1;
    expect(sessions.take(second.nonce, "socket")).toEqual({ problem: "late" });
  });

  test.each<[string, string, unknown, number]>([
    ["another path", "/v1/nothing", {}, 404],
    ["no JSON", "/v1/hello", "{", 400],
    ["null", "/v1/hello", "null", 400],
    ["more than there is", "/v1/hello", { person: "sam-okafor" }, 400],
    ["a person of one's own", "/v1/open", owned("x".repeat(32), { person: "sam-okafor", uid: 0 }), 400],
    ["words that are none", "/v1/open", owned("x".repeat(32), { words: [{ toString: 1 }] }), 400],
    ["a prototype", "/v1/open", '{"__proto__":{"as":"sam-okafor"},"nonce":"xxxxxxxxxxxxxxxxxxxx"}', 400],
    ["deep nesting", "/v1/open", "[".repeat(60_000), 400],
    ["too much", "/v1/open", "x".repeat(LIMITS.bodyBytes + 1), 413],
  ])("%s is refused", async (_, path, body, status) => {
    expect(await bot.send(path, body)).toMatchObject({ status, body: { error: expect.any(String) } });
    expect(await bot.dr("list")).toMatchObject({ exit: 0 });
  });

  test("has a header no page can send, and a length", async () => {
    expect(await bot.send("/v1/hello", {}, {})).toMatchObject({ status: 405 });
    const third = "w".repeat(LIMITS.characters / 3);
    for (const words of [[third, third, third, third], [third.repeat(4)]]) {
      const { nonce } = await bot.hello();
      const error = `A command has at most ${LIMITS.characters} characters.`;
      expect(await bot.send("/v1/open", owned(nonce, { words }))).toMatchObject({ status: 413, body: { error } });
    }
  });

  test("comes at a bounded rate, for each caller by itself", async () => {
    let now = 0;
    const buckets = new Buckets(3, 1, () => now);
    expect([1, 2, 3, 4].map(() => buckets.take("kim"))).toEqual([true, true, true, false]);
    expect(buckets.take("erin")).toBe(true);
    now += 1000;
    expect([1, 2].map(() => buckets.take("kim"))).toEqual([true, false]);
    for (let n = 0; n < 5_000; n++) buckets.take(`10.0.0.${n}`);
    expect(buckets.take("kim")).toBe(true);
    const opens = Array.from({ length: 80 }, async () => {
      const { nonce } = await bot.hello();
      return (await bot.send("/v1/open", owned(nonce))).status;
    });
    const statuses = await Promise.all(opens);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(10);
    // Without the file no one knows whose they were: the user of this machine still gets through.
    expect(await bot.dr("list")).toMatchObject({ exit: 0 });
  });

  test("that is never finished is cut off", async () => {
    const held = connect(bot.socket);
    const closed = new Promise((resolve) => held.on("close", resolve));
    held.resume().write("POST /v1/hello HTTP/1.1\r\nhost: x\r\n");
    await closed;
  }, 20_000);
});

describe("the file that says which user someone is", () => {
  const mark = "0123456789abcdef0123456789abcdef";
  let folder: string;
  beforeEach(() => {
    folder = join(bot.folder, "callers-apart");
  });

  test("its folder lets others make files, and neither list nor remove them", async () => {
    await openCallers(folder);
    expect(statSync(folder).mode & 0o7777).toBe(0o1733);
    expect(statSync(join(bot.folder, "run", "callers")).mode & 0o7777).toBe(0o1733);
  });

  test.each<[string, (path: string) => void, boolean]>([
    ["a plain file with the mark", (path) => writeFileSync(path, mark, { mode: 0o644 }), true],
    ["nothing", () => {}, false],
    ["another content", (path) => writeFileSync(path, mark.replace("0", "1"), { mode: 0o644 }), false],
    ["more than the mark", (path) => writeFileSync(path, `${mark}\n`, { mode: 0o644 }), false],
    [
      "one that others may write to",
      (path) => {
        writeFileSync(path, mark);
        chmodSync(path, 0o666);
      },
      false,
    ],
    [
      "a link to somebody's file",
      (path) => {
        writeFileSync(`${path}-theirs`, mark, { mode: 0o644 });
        symlinkSync(`${path}-theirs`, path);
      },
      false,
    ],
    [
      "a second name of somebody's file",
      (path) => {
        writeFileSync(`${path}-theirs`, mark, { mode: 0o644 });
        linkSync(`${path}-theirs`, path);
      },
      false,
    ],
    ["a folder", (path) => mkdirSync(path), false],
    ["a pipe nobody writes to", (path) => execFileSync("mkfifo", [path]), false],
  ])("%s", async (_, plant, counts) => {
    const callers = await openCallers(folder);
    plant(callers.pathOf("name"));
    expect(await callers.ownerOf("name", mark)).toBe(counts ? Number(me) : null);
    // Read once, and gone.
    expect(await callers.ownerOf("name", mark)).toBeNull();
  });

  test("a name can't leave the folder, and what callers leave behind is removed", async () => {
    const callers = await openCallers(folder);
    expect(callers.pathOf("../../etc/passwd")).toBe(join(folder, "passwd"));
    for (const name of ["old", "new"]) writeFileSync(callers.pathOf(name), mark);
    mkdirSync(callers.pathOf("folder"));
    symlinkSync(callers.pathOf("new"), callers.pathOf("link"));
    for (const name of ["old", "folder"]) utimesSync(callers.pathOf(name), 0, 0);
    lutimesSync(callers.pathOf("link"), 0, 0);
    await callers.clean();
    expect(readdirSync(folder)).toEqual(["new"]);
  });

  test("that of one command is nothing for another", async () => {
    const { showOwner } = await import("../../src/cli/dr/owner.ts");
    const [mine, other]: Hello[] = [await bot.hello(), await bot.hello()];
    await showOwner(mine?.file ?? "", other?.mark ?? "");
    await bot.send("/v1/open", owned(mine?.nonce ?? ""));
    expect(await bot.send("/v1/run", run(mine?.nonce ?? ""))).toMatchObject({ body: { exit: 1 } });
  });
});

describe("where the bot is reached", () => {
  test("a second bot waits, and takes over; a socket a killed one left is replaced", async () => {
    const other = await Served.open(store, new Map([[me, "alex-rivera"]]));
    try {
      const second = await other.start({ socket: bot.socket, people: new Map([[me, "alex-rivera"]]) });
      expect(second.socketAnswers).toBe(false);
      expect(await bot.dr("list")).toMatchObject({ exit: 0 });
      await bot.start({ socket: join(bot.folder, "elsewhere", "bot.sock") });
      await until(() => second.socketAnswers);
      expect(await bot.dr("list")).toMatchObject({ exit: 0 });
    } finally {
      await other.close();
    }
    const left = join(bot.folder, "left", "bot.sock");
    mkdirSync(join(bot.folder, "left"));
    const kill = "require('net').createServer().listen(process.argv[1],()=>process.kill(process.pid,'SIGKILL'))";
    expect(() => execFileSync(process.execPath, ["-e", kill, left])).toThrow();
    expect(statSync(left).isSocket()).toBe(true);
    expect((await bot.start({ socket: left })).socketAnswers).toBe(true);
    expect(statSync(left).mode & 0o777).toBe(0o777);
  });

  test("not in a folder others may write to", async () => {
    const open = join(bot.folder, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    expect((await bot.start({ socket: join(open, "bot.sock") })).socketAnswers).toBe(false);
    expect(readdirSync(open)).toEqual([]);
    if (me !== "0") return;
    const theirs = join(bot.folder, "theirs");
    mkdirSync(theirs);
    chownSync(theirs, 65_534, 65_534);
    expect((await bot.start({ socket: join(theirs, "bot.sock") })).socketAnswers).toBe(false);
  });

  test("over TLS there is no user of this machine: a code or a key says who it is", async () => {
    const [certificateFile, keyFile] = [join(bot.folder, "cert.pem"), join(bot.folder, "key.pem")];
    const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", [...made, ...named, "-keyout", keyFile, "-out", certificateFile], { stdio: "ignore" });
    const tls = { host: "127.0.0.1", port: 0, certificateFile, keyFile };
    const { tlsPort } = await bot.start({ tls, people: new Map([[me, "alex-rivera"]]) });
    const { file, publicKey } = await files.make("tls", "ed25519");
    bot.keys({ "vera-lindqvist": [publicKey] });
    const there = { LIFEBOAT_CLI_URL: `https://127.0.0.1:${tlsPort}` };
    const trusting = { ...there, NODE_EXTRA_CA_CERTS: certificateFile };
    expect(await apart(["list"], trusting)).toMatchObject({
      code: 1,
      out: expect.stringContaining("a caller at 127.0.0.1"),
    });
    expect(await apart(["--key", file, "list"], trusting)).toMatchObject({
      code: 0,
      out: expect.stringContaining("You sign: list"),
    });
    expect(await apart(["--key", file, "list"], there)).toMatchObject({
      code: 2,
      out: expect.stringContaining("certificate"),
    });
  });
});

/** `lifeboat dr` as a process of its own. */
async function apart(args: readonly string[], env: object, cwd = bot.folder): Promise<{ code: number; out: string }> {
  const program = [await built("src/cli.ts"), "dr", ...args];
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      program,
      { cwd, env: { PATH: process.env.PATH, ...env } },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === "number" ? error.code : error ? 99 : 0, out: `${stdout}${stderr}` }),
    );
    child.stdin?.end();
  });
}

describe("lifeboat dr", () => {
  const said: string[] = [];
  const write = { out: process.stdout.write, err: process.stderr.write };
  beforeEach(() => {
    said.length = 0;
    for (const stream of [process.stdout, process.stderr])
      stream.write = ((text: string) => said.push(String(text)) > 0) as typeof stream.write;
  });
  afterEach(() => {
    process.stdout.write = write.out;
    process.stderr.write = write.err;
  });

  test("--help and --version need nothing; without a bot it says how to start one", async () => {
    expect(await dr(["--help"], {})).toBe(0);
    expect(await dr(["--version"], {})).toBe(0);
    expect(said.join("")).toMatch(/Usage: lifeboat dr[\s\S]*lifeboat \d+\.\d+\.\d+\n$/);
    expect(await dr(["status"], { LIFEBOAT_CLI_SOCKET: join(bot.folder, "none.sock") })).toBe(2);
    expect(said.join("")).toContain("lifeboat bot --no-slack");
    expect(await dr(["status"], { LIFEBOAT_CLI_URL: "http://10.0.0.1" })).toBe(2);
  });

  test("finds the bot of its working directory, unless the socket there is another user's", async () => {
    const local = join(bot.folder, ".lifeboat", "run", "bot.sock");
    await bot.start({ socket: local, people: new Map([[me, "alex-rivera"]]) });
    expect(await apart(["list"], {})).toMatchObject({ code: 0 });
    if (me !== "0") return;
    chownSync(local, 65_534, 65_534);
    expect(await apart(["list"], {})).toMatchObject({
      code: 2,
      out: expect.stringContaining("/run/lifeboat/bot.sock"),
    });
  });

  test("signs nothing but the command that was typed, no matter who answers", async () => {
    const asked = { words: ["list"], nonce: "n1" };
    const { file } = await files.make("typed", "ed25519");
    const said = (statement: object) => signStatement(file, { ...asked, statement: JSON.stringify(statement) });
    const honest = { lifeboat: "command/1", command: ["list"], nonce: "n1", at: "2026-11-30T00:00:00.000Z" };
    expect(await said(honest)).toContain("BEGIN SSH SIGNATURE");
    for (const other of [
      { ...honest, command: ["approve", "run-1", "ask-1"] },
      { ...honest, nonce: "n2" },
      { ...honest, lifeboat: "login/1" },
      { ...honest, decision: { decision: "approve", run: "run-1", request: "ask-1", planHash: "", factsHash: "" } },
    ])
      await expect(said(other)).rejects.toThrow("sign something else");
    await expect(signStatement(file, { ...asked, statement: null })).rejects.toThrow("sign something else");
    await expect(signStatement(`${file}-not-there`, { ...asked, statement: JSON.stringify(honest) })).rejects.toThrow(
      "ssh-keygen",
    );
  });

  test("shows what the bot says, and answers with its exit code", async () => {
    const env = { LIFEBOAT_CLI_SOCKET: bot.socket };
    expect(await dr(["declare", "P3", "The printer is on fire"], env)).toBe(0);
    expect(await dr(["approve", "run-1", "ask-1"], env)).toBe(1);
    expect(await dr(["--as", "nobody", "list"], env)).toBe(1);
    expect(said.join("")).toContain("nobody is not on the roster");
    expect(readdirSync(join(bot.folder, "run", "callers"))).toEqual([]);
  });
});
