import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { Secret, TOTP } from "otpauth";
import type { Reply } from "../../commands/command.ts";
import { idFor } from "../../commands/ids.ts";
import type { Reloaded } from "../../src/catalog/live.ts";
import { createTotp } from "../../src/mfa/totp.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { seen } from "../messages/orders.ts";
import { keepPages } from "../messages/page.ts";
import { enrolledIn, hoursBefore, proofsBecome } from "../timeline/keys.ts";
import { storeForEach } from "../timeline/store-for-each.ts";
import { TestHouse } from "./house.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const here = { channel: "C0INCNIGHT" };
const pressed = { ...here, canAskForm: true };

let store: Store;
let house: TestHouse;

storeForEach((fresh) => {
  store = fresh;
  house = new TestHouse(store);
  Object.assign(house.house, {
    mfa: createTotp(createSecondFactors(store.pool, store.keyring), [randomBytes(32)], { settleHours: 0 }),
  });
});

/** Somebody asked for it, it was looked at, and the question is open. */
async function asked(words: string, key: string, ask: string): Promise<string> {
  const run = idFor("run", key);
  await house.ask("alex", `${words} --severity P1`, { key, channel: "C0INCNIGHT" });
  house.channels.set(idFor("inc", key), "C0INCNIGHT");
  await house.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await house.open(run, "approve", ask);
  return run;
}

function secretIn(reply: Reply): string {
  const text = JSON.stringify(reply);
  return /`((?:[A-Z2-7]{4} ?){8})`/.exec(text)?.[1]?.replaceAll(" ", "") ?? "";
}

const codeOf = (secret: string, steps: number) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });

describe("authority, as people speak of it", () => {
  test("the VP Engineering asks back, enrolls, and approves with a code", async () => {
    const run = await asked("failover practice-a", "region", "ask-region");
    const actionValue = `${run}/ask-region`;
    await house.press("vera", "gate.ask", actionValue, pressed);
    await house.press("vera", "gate.ask", actionValue, { ...here, form: { question: "Is <!channel> told?" } });
    await house.press("alex", "gate.answer", actionValue, pressed);
    await house.press("alex", "gate.answer", actionValue, { ...here, form: { answer: "They are" } });
    await house.press("cass", "gate.escalate", actionValue, pressed);
    await house.press("alex", "gate.escalate", actionValue, pressed);
    await house.ask("alex", `escalate ${run}`, here);
    await house.press("alex", "gate.escalate", actionValue, { ...here, form: { reason: "Alex has to board" } });
    await house.press("alex", "gate.escalate", actionValue, pressed);
    await house.press("sam", "gate.approve", actionValue, pressed);
    await house.press("vera", "gate.approve", actionValue, pressed);
    const form = await house.ask("vera", "enroll", pressed);
    const secret = secretIn(form);
    await house.ask("vera", "", { ...here, verb: "enroll", actionValue: "", form: { code: "000000" } });
    await house.ask("vera", "", {
      ...here,
      verb: "enroll",
      actionValue: "",
      form: { code: codeOf(secret, -1) },
      hidden: true,
    });
    await house.ask("vera", "enroll", here);
    await house.press("vera", "gate.approve", actionValue, pressed);
    await house.press("vera", "gate.approve", actionValue, {
      ...here,
      form: { code: codeOf(secret, -1) },
      hidden: true,
    });
    await house.press("vera", "gate.approve", actionValue, {
      ...here,
      form: { code: codeOf(secret, 0) },
      hidden: true,
    });
    await house.ask("toni", `approve ${run} ask-region --code 123456`, here);
    expectPage("authority-proof.out", house.script());
    const { state } = await house.state(idFor("inc", "region"));
    const step = state.runs.get(run)?.steps.get("approve");
    expect(step?.status === "gate" && step.gate.approvals).toMatchObject([{ person: "vera-lindqvist", proved: true }]);
    expect((await store.timeline.read("workspace")).map(({ type }) => type)).toContain("person.enrolled");
  });

  test("a stolen account enrolls while the question is open: its code counts for nothing until somebody vouches", async () => {
    const proofs = createSecondFactors(store.pool, store.keyring);
    Object.assign(house.house, { mfa: createTotp(proofs, [randomBytes(32)], { settleHours: 24 }) });
    const enrolls = async (person: string) => {
      const secret = secretIn(await house.ask(person, "enroll", { ...pressed, hidden: true }));
      const code = codeOf(secret, -1);
      await house.ask(person, "", { ...here, verb: "enroll", actionValue: "", form: { code }, hidden: true });
      return secret;
    };
    const [toni, alex] = [await enrolls("toni"), await enrolls("alex")];
    await proofsBecome(store, await enrolledIn(store), (row) => ({
      ...row,
      enrolledAt: hoursBefore(row.enrolledAt, 30),
    }));
    const run = await asked("failover practice-a", "region", "ask-region");
    const vera = await enrolls("vera");
    await house.press("vera", "gate.approve", `${run}/ask-region`, pressed);
    await house.ask("vera", "vouch vera --code 123456", here);
    await house.ask("cass", "vouch vera --code 123456", here);
    await house.ask("toni", "vouch sam", here);
    await house.ask("toni", "vouch vera", pressed);
    const vouches = (person: string, secret: string, step: number) =>
      house.ask(person, "", {
        ...{
          ...here,
          verb: "vouch",
          actionValue: "vera-lindqvist",
          form: { code: codeOf(secret, step) },
          hidden: true,
        },
      });
    // Whoever asked for the run vouches: that is their own word, and approves nothing of it.
    await vouches("alex", alex, 0);
    const approves = (step: number) =>
      house.press("vera", "gate.approve", `${run}/ask-region`, {
        ...{ ...here, form: { code: codeOf(vera, step) }, hidden: true },
      });
    await approves(0);
    await vouches("toni", toni, 0);
    await approves(1);
    // Toni and the account she vouched for are one word.
    await house.press("toni", "gate.approve", `${run}/ask-region`, {
      ...{ ...here, form: { code: codeOf(toni, 1) }, hidden: true },
    });
    expectPage("authority-new-proof.out", house.script());
    const told = (await store.timeline.read("workspace")).map(({ type }) => type);
    expect(told.filter((type) => type.startsWith("person."))).toEqual([
      ...["person.enrolled", "person.enrolled", "person.enrolled", "person.vouched", "person.vouched"],
    ]);
  });

  test("a role is lent, used, and taken back", async () => {
    const run = await asked("failover database", "db", "ask-db");
    await house.ask("sam", "delegate", pressed);
    await house.ask("sam", "delegate incident-commander to <@UALEX> for 2h", here);
    await house.ask("vera", "delegate incident-commander to @cass for 2h", here);
    await house.ask("sam", "delegate incident-commander to <@UCASS|cass> for soon", here);
    await house.ask("sam", "delegate incident-commander to <@UCASS|cass> for 2h on a plane", here);
    await house.ask("cass", "delegate incident-commander to <@UTONI> for 1h", here);
    await house.ask("alex", "delegate", here);
    await house.press("cass", "gate.approve", `${run}/ask-db`, here);
    await house.press("sam", "gate.approve", `${run}/ask-db`, here);
    await house.ask("sam", "delegate end incident-commander @cass", here);
    await house.ask("sam", "", {
      ...here,
      verb: "delegate",
      actionValue: "",
      form: { role: "incident-commander", person: "cass-moreau", for: "30m", reason: "" },
    });
    expectPage("authority-lent.out", house.script());
  });

  test("it is denied with a reason, explained once more, and asked for anew with another plan", async () => {
    const run = await asked("failover database", "db", "ask-db");
    const actionValue = `${run}/ask-db`;
    await house.press("cass", "gate.deny", actionValue, pressed);
    await house.press("sam", "gate.deny", actionValue, pressed);
    await house.ask("sam", `deny ${run}`, here);
    await house.press("sam", "gate.deny", actionValue, { ...here, form: { reason: "Ask <!channel> what is lost" } });
    await house.press("vera", "gate.explain", actionValue, { ...here, form: { reason: "I am afraid" } });
    await house.press("sam", "gate.explain", actionValue, pressed);
    await house.press("sam", "gate.explain", actionValue, {
      ...here,
      form: { reason: "The primary will not come back" },
    });
    await house.press("vera", "gate.approve", actionValue, here);
    await house.press("vera", "run.details", run, pressed);
    await house.ask("vera", `details ${run} nothing-of-it`, here);
    await house.press("alex", "run.replan", run, pressed);
    await house.press("alex", "run.replan", run, {
      ...here,
      form: { mode: "unplanned", reason: "It is lost" },
      key: "anew",
    });
    expectPage("authority-denied.out", house.script());
    const { state } = await house.state(idFor("inc", "db"));
    expect([...state.runs.values()].map(({ mode, status }) => [mode, status])).toEqual([
      ["planned", "aborted"],
      ["unplanned", "preflight"],
    ]);
  });

  test("nobody answers: the glass is broken by two, and reviewed by a third", async () => {
    const run = await asked("failover database", "db", "ask-db");
    const actionValue = `${run}/ask-db`;
    await house.press("cass", "gate.break", actionValue, { ...here, form: { reason: "I want to help" } });
    await house.press("alex", "gate.break", actionValue, pressed);
    await house.press("alex", "gate.break", actionValue, { ...here, form: { reason: "Nobody answers" } });
    await house.ask("alex", `escalate ${run} Sam is on a plane`, here);
    await house.press("alex", "gate.break", actionValue, { ...here, form: { reason: "Nobody answers" } });
    house.noTimeToAnswer();
    await house.press("alex", "gate.break", actionValue, { ...here, form: { reason: "Nobody answers" } });
    await house.press("alex", "gate.break", actionValue, here);
    await house.press("alex", "gate.confirm-break", actionValue, here);
    await house.press("sam", "gate.confirm-break", actionValue, here);
    await house.press("vera", "gate.approve", actionValue, here);
    await house.ask("alex", "review", here);
    await house.press("sam", "glass.review", actionValue, { ...here, form: { finding: "I was right" } });
    await house.press("vera", "glass.review", actionValue, pressed);
    await house.press("vera", "glass.review", actionValue, {
      ...here,
      form: { finding: "It was right; my phone was off" },
    });
    await house.ask("vera", "review", here);
    await house.ask("sam", "timeline --last 8", here);
    expectPage("authority-glass.out", house.script());
  });

  test("roles are taken by a button, handed over with a note, and explained", async () => {
    await asked("failover database", "db", "ask-db");
    const incident = idFor("inc", "db");
    await house.press("sam", "role", `${incident}/incident-commander`, here);
    await house.press("alex", "role", `${incident}/incident-commander`, here);
    await house.press("sam", "role", incident, {
      ...here,
      form: { role: "comms-lead", person: "cass-moreau", note: "Customers know nothing yet" },
    });
    await house.ask("sam", "role", here);
    expectPage("authority-roles.out", house.script());
  });

  test("only an administrator has the files read anew, and is told what came of it", async () => {
    const outcomes: Reloaded[] = [
      { kind: "unchanged" },
      { kind: "refused", problems: "practice/system.yml:12: There is no role <king>" },
      {
        kind: "changed",
        systems: [
          {
            system: "practice",
            says: [{ person: "sam-okafor", says: "removed from the roster (incident-commander)" }],
          },
        ],
      },
    ];
    Object.assign(house.house, { reload: async () => outcomes.shift() });
    await house.ask("alex", "reload", here);
    expect(outcomes).toHaveLength(3);
    for (const _ of [1, 2, 3]) await house.ask("vera", "reload", here);
    expectPage("authority-reload.out", house.script());
  });

  test("without a key, whoever wants to enroll is told what is to be set", async () => {
    Object.assign(house.house, { mfa: createTotp(createSecondFactors(store.pool, store.keyring), []) });
    const run = await asked("failover practice-a", "region", "ask-region");
    await house.ask("vera", "enroll", here);
    await house.press("vera", "gate.approve", `${run}/ask-region`, pressed);
    expectPage("authority-no-key.out", house.script());
  });
});
