import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { Secret, TOTP } from "otpauth";
import type { Reply } from "../../src/command/command.ts";
import { idFor } from "../../src/lib/id-for.ts";
import { createTotp } from "../../src/mfa/totp.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { seen } from "../support/orders-system.ts";
import { enrolledIn, hoursBefore, secondFactorsBecome } from "../support/record-keys.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

/** What a stolen Slack session does with a role, or with a name, whose owner has an authenticator. */
const here = { channel: "C0INCNIGHT" };
let store: Store;
let app: TestApp;

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store);
  const proofs = createSecondFactors(store.pool, store.keyring);
  Object.assign(app.context, { mfa: createTotp(proofs, [randomBytes(32)], { settleHours: 24 }) });
});

const codeOf = (secret: string, steps: number) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
const secretIn = (reply: Reply) =>
  /`((?:[A-Z2-7]{4} ?){8})`/.exec(JSON.stringify(reply))?.[1]?.replaceAll(" ", "") ?? "";
const textOf = (reply: Reply) => (reply.kind === "private" ? reply.message.text : `(${reply.kind})`);
const eventsOf = async (incident: string, ...types: string[]) =>
  (await store.timeline.read(incident)).filter(({ type }) => types.includes(type));
const refusedIn = async (incident: string) =>
  (await eventsOf(incident, "command.refused", "approval.refused")).map(({ data }) => (data as { code: string }).code);

/** Enrolled long ago, so that it counts. */
async function enrolls(person: string): Promise<string> {
  const secret = secretIn(await app.ask(person, "enroll", { canAskForm: true }));
  await app.press(person, "enroll", "", { form: { code: codeOf(secret, -1) } });
  await secondFactorsBecome(store, await enrolledIn(store), (row) => ({
    ...row,
    enrolledAt: hoursBefore(row.enrolledAt, 30),
  }));
  return secret;
}

describe("the session of who decides where a code is requested", () => {
  async function asked(): Promise<{ incident: string; run: string }> {
    const [incident, run] = [idFor("inc", "region"), idFor("run", "region")];
    await app.ask("alex", "failover practice-a --severity P1", { key: "region", ...here });
    app.channels.set(incident, here.channel);
    await app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
    await app.open(run, "approve", "ask-region");
    return { incident, run };
  }
  const lends = (how = {}, more = "") =>
    app.ask("vera", `delegate vp-engineering to sam for 2h${more}`, { ...here, ...how });

  test("hands their role to no one without a code", async () => {
    const { incident } = await asked();
    expect(textOf(await lends())).toContain("delegating it needs one. You haven't set one up");
    const vera = await enrolls("vera");
    expect(textOf(await lends())).toContain("This needs a current authenticator code");
    expect(textOf(await lends({}, " --code 000000"))).toContain("Wrong or expired code");
    const form = await lends({ canAskForm: true });
    expect(form).toMatchObject({ kind: "form", form: { callback: "delegate", actionValue: incident } });
    const filled = { role: "vp-engineering", person: "sam-okafor", for: "2h", reason: "" };
    await app.press("vera", "delegate", incident, { ...here, form: { ...filled, code: "" } });
    expect(await eventsOf(incident, "incident.roleDelegated")).toEqual([]);
    expect(await refusedIn(incident)).toEqual([
      ...["proof-not-enrolled", "proof-missing", "proof-wrong", "proof-missing"],
    ]);
    await app.press("vera", "delegate", incident, { ...here, form: { ...filled, code: codeOf(vera, 0) } });
    expect((await eventsOf(incident, "incident.roleDelegated")).map(({ data }) => data)).toMatchObject([
      { role: "vp-engineering", from: "vera-lindqvist", to: "sam-okafor", proved: true },
    ]);
  });

  test("what it handed over without one decides nothing there, with whatever code", async () => {
    const { incident, run } = await asked();
    const sam = await enrolls("sam");
    const data = { role: "vp-engineering", from: "vera-lindqvist", to: "sam-okafor", reason: null };
    const until = new Date(app.context.timeline.now().getTime() + 3_600_000).toISOString();
    const delegated = (proved: object) =>
      store.timeline.decide(incident, () => ({
        events: [
          {
            type: "incident.roleDelegated",
            data: { ...data, until, ...proved },
            key: JSON.stringify(proved),
            actor: { kind: "bot" },
          },
        ],
        value: null,
      }));
    const approves = (step: number) =>
      app.press("sam", "gate.approve", `${run}/ask-region`, { ...here, form: { code: codeOf(sam, step) } });
    await delegated({});
    await approves(0);
    expect(await refusedIn(incident)).toEqual(["gate-role"]);
    expect(await eventsOf(incident, "gate.approved")).toEqual([]);
    await delegated({ proved: true });
    await approves(0);
    expect((await eventsOf(incident, "gate.approved")).map(({ data }) => data)).toMatchObject([
      { person: "sam-okafor", onBehalfOf: "vera-lindqvist", proved: true },
    ]);
  });
});

describe("a record is signed off", () => {
  async function over(): Promise<string> {
    const incident = idFor("inc", "over");
    await app.ask("sam", "declare P1 Orders are down", { key: "over", ...here });
    app.channels.set(incident, here.channel);
    await app.ask("sam", "resolve It is over", here);
    return incident;
  }
  const signedOff = async (incident: string) =>
    (await eventsOf(incident, "record.signedOff")).map(({ data }) => (data as { proved?: boolean }).proved);

  test("with a code by who has an authenticator, and with no wrong one, no new one and none at all", async () => {
    const incident = await over();
    const vera = await enrolls("vera");
    const signs = (more: string, how = {}) => app.ask("vera", `sign-off ${more}All is complete`, { ...here, ...how });
    expect(textOf(await signs(""))).toContain("This needs a current authenticator code");
    expect(textOf(await signs("--code 000000 "))).toContain("Wrong or expired code");
    const form = await signs("", { canAskForm: true });
    expect(form).toMatchObject({ kind: "form", form: { callback: "sign-off", actionValue: incident } });
    expect(await signedOff(incident)).toEqual([]);
    await app.press("vera", "sign-off", incident, { form: { statement: "All of it", code: codeOf(vera, 0) } });
    expect(await signedOff(incident)).toEqual([true]);
    await secondFactorsBecome(store, await enrolledIn(store), (row) => ({ ...row, enrolledAt: new Date() }));
    expect(textOf(await signs(`--code ${codeOf(vera, 1)} `))).toContain("It counts from");
    expect(await signedOff(incident)).toEqual([true]);
    expect(await refusedIn(incident)).toEqual(["proof-missing", "proof-wrong", "proof-new"]);
  });

  test("without one by who has none, and the record says so", async () => {
    const incident = await over();
    const before = (await store.timeline.read(incident)).length;
    const says = textOf(await app.ask("sam", "sign-off All is complete", here));
    expect(says).toContain(`Covers: events 1 to ${before}`);
    expect(says).toContain("Second factor: no");
    expect(await signedOff(incident)).toEqual([false]);
  });
});
