import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { idFor } from "../../src/lib/id-for.ts";
import type { Store } from "../../src/timeline/index.ts";
import { seen } from "../support/orders-system.ts";
import { storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { KeyFiles, SecurityKey } from "../support/security-key.ts";
import { type Asking, Served } from "../support/served-control.ts";

const me = String(process.getuid?.());
let server: TestServer;
let files: KeyFiles;
let store: Store;
let bot: Served;

beforeAll(async () => {
  [server, files] = await Promise.all([testServer(), KeyFiles.open()]);
}, 60_000);
beforeEach(async () => {
  store = await storeOn(await server.database());
  bot = await Served.open(store, new Map([[me, "alex-rivera"]]));
});
afterEach(async () => {
  await bot?.close();
  await store?.close();
});
afterAll(async () => {
  await files?.close();
  await server?.close();
});

async function refusals(): Promise<readonly unknown[]> {
  const events = await store.timeline.read("workspace");
  return events.filter(({ type }) => type === "command.refused").map(({ data }) => (data as { code: string }).code);
}

/** Alex asks for the region's failover: a gate of the VP Engineering that wants step-up. */
async function asked(): Promise<{ run: string; stream: string }> {
  const key = "region";
  await bot.app.ask("alex", "failover practice-a --severity P1", { key, channel: "C0INCNIGHT" });
  const [run, stream] = [idFor("run", key), idFor("inc", key)];
  await bot.app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await bot.app.open(run, "approve", "ask-region");
  return { run, stream };
}

const approvals = async (stream: string) =>
  (await store.timeline.read(stream)).filter(({ type }) => type === "gate.approved");

describe("who a caller is", () => {
  test("the user of the machine, where the bot maps it; refused, recorded and told what is allowed where it doesn't", async () => {
    expect(await bot.dr("list")).toMatchObject({ exit: 0 });
    expect(await bot.dr("list", { owner: false })).toMatchObject({
      exit: 1,
      err: expect.stringContaining("The bot doesn't know who"),
    });
    await bot.start({ people: new Map([["no-such-user", "sam-okafor"]]) });
    expect(await bot.dr("list")).toMatchObject({ exit: 1 });
    await bot.start({ people: new Map([[me, "nobody"]]) });
    expect(await bot.dr("list")).toMatchObject({ exit: 1, err: expect.stringContaining("not on the roster") });
    expect(await refusals()).toEqual(["caller-unknown", "caller-unknown", "not-on-roster"]);
    await bot.start({ people: new Map([[me, "sam-okafor"]]) });
    await bot.dr("declare P3 The printer is on fire");
    const [stream] = await store.timeline.streams("inc-");
    const [declared] = await store.timeline.read(stream?.id ?? "");
    expect(declared?.actor).toMatchObject({ person: "sam-okafor", door: "cli", slackUser: null });
  });

  test("a user that is mapped by name is one by its number", async () => {
    const { userInfo } = await import("node:os");
    await bot.start({ people: new Map([[userInfo().username, "sam-okafor"]]) });
    expect(await bot.dr("list")).toMatchObject({ exit: 0 });
    await bot.start({
      people: new Map([
        [userInfo().username, "sam-okafor"],
        [me, "vera-lindqvist"],
      ]),
    });
    expect(await bot.dr("list")).toMatchObject({ exit: 1 });
  });

  test("someone else than that, with their own code, once; wrong ones lock the command line and not Slack, and are told", async () => {
    const code = await bot.enroll("vera-lindqvist");
    const vera = { as: "vera-lindqvist" };
    expect((await bot.opened(["list"], vera)).opened).toMatchObject({ needs: "code", person: "Vera Lindqvist" });
    expect(await bot.dr("list", vera)).toMatchObject({ exit: 1, err: expect.stringContaining("needs the code") });
    expect(await bot.dr("list", { ...vera, code: code(0) })).toMatchObject({ exit: 0 });
    expect(await bot.dr("list", { ...vera, code: code(0) })).toMatchObject({ exit: 1 });
    for (let n = 0; n < 5; n++) await bot.dr("list", { ...vera, code: "000000" });
    expect(await bot.dr("list", { ...vera, code: code(1) })).toMatchObject({
      exit: 1,
      err: expect.stringContaining("locked separately"),
    });
    expect(await bot.mfa.check("practice/vera-lindqvist", code(1), "in Slack")).toEqual({ ok: true });
    const told = (await store.timeline.read("workspace")).filter(({ type }) => type === "person.locked");
    expect(told.map(({ data }) => data)).toMatchObject([{ people: ["practice/vera-lindqvist"], from: "cli" }]);
  });

  test("what is new proves nothing before it has aged, whatever a caller's environment says", async () => {
    await bot.close();
    bot = await Served.open(store, new Map([[me, "alex-rivera"]]), 24);
    const code = await bot.enroll("vera-lindqvist");
    process.env.LIFEBOAT_MFA_COOLDOWN_HOURS = "0";
    const answer = await bot.dr("list", { as: "vera-lindqvist", code: code(0) });
    delete process.env.LIFEBOAT_MFA_COOLDOWN_HOURS;
    expect(answer).toMatchObject({ exit: 1, err: expect.stringContaining("counts from") });
  });
});

describe("a key of the roster", () => {
  test("says who it is; a gate with step-up takes it only from a FIDO key that has verified its owner, for exactly what it asks", async () => {
    const plain = await files.make("vera", "ed25519");
    const key = new SecurityKey();
    bot.keys({ "vera-lindqvist": [plain.publicKey, key.publicKey] });
    const { run, stream } = await asked();
    const approve = (asking: Asking) => bot.dr(`approve ${run} ask-region`, asking);

    const soft = (statement: string) => files.sign(plain.file, statement);
    expect(await bot.dr("list", { sign: soft, owner: false })).toMatchObject({ exit: 0 });
    expect(await approve({ sign: soft })).toMatchObject({ exit: 1 });
    expect(await approve({ sign: (one) => key.sign(one, { verified: false }) })).toMatchObject({ exit: 1 });
    expect(await approve({ sign: (one) => key.sign(one, { touched: false }) })).toMatchObject({ exit: 1 });
    // A statement over another command of the same session is none over this one.
    expect(await approve({ sign: (one) => key.sign(one.replace("ask-region", "ask-other")) })).toMatchObject({
      exit: 1,
    });
    expect(await approvals(stream)).toEqual([]);

    expect(await approve({ sign: (one) => key.sign(one), owner: false })).toMatchObject({ exit: 0 });
    const [approval] = await approvals(stream);
    expect(approval?.actor).toMatchObject({ person: "vera-lindqvist", door: "cli" });
    const data = approval?.data as {
      proved: boolean;
      planHash: string;
      factsHash: string;
      signed: Record<string, string>;
    };
    expect(data).toMatchObject({ proved: true, signed: { key: expect.stringMatching(/^SHA256:/) } });
    const { statement = "", signature = "" } = data.signed;
    expect(JSON.parse(statement)).toMatchObject({
      command: ["approve", run, "ask-region"],
      decision: {
        ...{ decision: "approve", incident: stream, run, request: "ask-region" },
        ...{ planHash: data.planHash, factsHash: data.factsHash },
      },
    });
    // Anyone who has the timeline can ask OpenSSH.
    expect(await files.accepts(key.publicKey, statement, signature)).toBe(true);
  });

  test("is refused when it isn't on the roster, is two people's, is another's than --as says, or has been copied", async () => {
    const [vera, shared, strange] = [new SecurityKey(), new SecurityKey(), new SecurityKey()];
    bot.keys({ "vera-lindqvist": [vera.publicKey, shared.publicKey], "sam-okafor": [shared.publicKey] });
    const by = (key: SecurityKey, more: Asking = {}) => bot.dr("list", { ...more, sign: (one) => key.sign(one) });
    expect(await by(strange)).toMatchObject({ exit: 1, err: expect.stringContaining("isn't on the roster") });
    expect(await by(shared)).toMatchObject({ exit: 1, err: expect.stringContaining("several people") });
    expect(await by(vera, { as: "sam-okafor" })).toMatchObject({ exit: 1, err: expect.stringContaining("isn't sam") });
    expect(await by(vera, { as: "vera-lindqvist" })).toMatchObject({ exit: 0 });
    for (const counter of [2, 1, 0])
      expect(await bot.dr("list", { sign: (one) => vera.sign(one, { counter }) })).toMatchObject({
        exit: 1,
        err: expect.stringContaining("has not moved on"),
      });
    expect(await bot.dr("list", { sign: (one) => vera.sign(one, { counter: 9 }) })).toMatchObject({ exit: 0 });
    const none = new SecurityKey();
    bot.keys({ "toni-berg": [none.publicKey] });
    for (let n = 0; n < 2; n++)
      expect(await bot.dr("list", { sign: (one) => none.sign(one, { counter: 0 }) })).toMatchObject({ exit: 0 });
    expect(await refusals()).toEqual([
      ...["key-unknown", "key-unknown", "key-other"],
      ...["key-counter", "key-counter", "key-counter"],
    ]);
  });

  test("a signature given before the facts moved approves nothing after it", async () => {
    const key = new SecurityKey();
    bot.keys({ "vera-lindqvist": [key.publicKey] });
    const { run, stream } = await asked();
    const words = ["approve", run, "ask-region"];
    const { nonce, opened } = await bot.opened(words, { sign: () => "" });
    const signature = key.sign(opened.statement ?? "");
    await bot.app.engine(run, { type: "gate.voided", data: { step: "approve", ask: "ask-region", why: "It moved" } });
    await bot.app.open(run, "approve", "ask-again");
    const { body } = await bot.send("/v1/run", { nonce, code: null, signature });
    expect(body).toMatchObject({ exit: 1 });
    expect(await approvals(stream)).toEqual([]);
  });
});
