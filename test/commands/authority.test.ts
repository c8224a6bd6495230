import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { Secret, TOTP } from "otpauth";
import type { Reloaded } from "../../src/catalog/live.ts";
import type { Reply } from "../../src/command/command.ts";
import { idFor } from "../../src/lib/id-for.ts";
import { createTotp } from "../../src/mfa/totp.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { seen } from "../support/orders-system.ts";
import { keepPages } from "../support/printed-page.ts";
import { enrolledIn, hoursBefore, secondFactorsBecome } from "../support/record-keys.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const here = { channel: "C0INCNIGHT" };
const pressed = { ...here, canAskForm: true };

let store: Store;
let app: TestApp;

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store);
  Object.assign(app.context, {
    mfa: createTotp(createSecondFactors(store.pool, store.keyring), [randomBytes(32)], { settleHours: 0 }),
  });
});

/** Someone asked for it, it was looked at, and the question is open. */
async function asked(words: string, key: string, ask: string): Promise<string> {
  const run = idFor("run", key);
  await app.ask("alex", `${words} --severity P1`, { key, channel: "C0INCNIGHT" });
  app.channels.set(idFor("inc", key), "C0INCNIGHT");
  await app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await app.open(run, "approve", ask);
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
    await app.press("vera", "gate.ask", actionValue, pressed);
    await app.press("vera", "gate.ask", actionValue, { ...here, form: { question: "Is <!channel> told?" } });
    await app.press("alex", "gate.answer", actionValue, pressed);
    await app.press("alex", "gate.answer", actionValue, { ...here, form: { answer: "They are" } });
    await app.press("cass", "gate.escalate", actionValue, pressed);
    await app.press("alex", "gate.escalate", actionValue, pressed);
    await app.ask("alex", `escalate ${run}`, here);
    await app.press("alex", "gate.escalate", actionValue, { ...here, form: { reason: "Alex has to board" } });
    await app.press("alex", "gate.escalate", actionValue, pressed);
    await app.press("sam", "gate.approve", actionValue, pressed);
    await app.press("vera", "gate.approve", actionValue, pressed);
    const form = await app.ask("vera", "enroll", pressed);
    const secret = secretIn(form);
    await app.ask("vera", "", { ...here, verb: "enroll", actionValue: "", form: { code: "000000" } });
    await app.ask("vera", "", {
      ...here,
      verb: "enroll",
      actionValue: "",
      form: { code: codeOf(secret, -1) },
      hidden: true,
    });
    await app.ask("vera", "enroll", here);
    await app.press("vera", "gate.approve", actionValue, pressed);
    await app.press("vera", "gate.approve", actionValue, {
      ...here,
      form: { code: codeOf(secret, -1) },
      hidden: true,
    });
    await app.press("vera", "gate.approve", actionValue, {
      ...here,
      form: { code: codeOf(secret, 0) },
      hidden: true,
    });
    await app.ask("toni", `approve ${run} ask-region --code 123456`, here);
    expectPage("authority-second-factor.out", app.script());
    const { state } = await app.state(idFor("inc", "region"));
    const step = state.runs.get(run)?.steps.get("approve");
    expect(step?.status === "gate" && step.gate.approvals).toMatchObject([{ person: "vera-lindqvist", proved: true }]);
    expect((await store.timeline.read("workspace")).map(({ type }) => type)).toContain("person.enrolled");
  });

  test("a stolen account enrolls while the question is open: its code counts for nothing until someone vouches", async () => {
    const proofs = createSecondFactors(store.pool, store.keyring);
    Object.assign(app.context, { mfa: createTotp(proofs, [randomBytes(32)], { settleHours: 24 }) });
    const enrolls = async (person: string) => {
      const secret = secretIn(await app.ask(person, "enroll", { ...pressed, hidden: true }));
      const code = codeOf(secret, -1);
      await app.ask(person, "", { ...here, verb: "enroll", actionValue: "", form: { code }, hidden: true });
      return secret;
    };
    const [toni, alex] = [await enrolls("toni"), await enrolls("alex")];
    await secondFactorsBecome(store, await enrolledIn(store), (row) => ({
      ...row,
      enrolledAt: hoursBefore(row.enrolledAt, 30),
    }));
    const run = await asked("failover practice-a", "region", "ask-region");
    const vera = await enrolls("vera");
    await app.press("vera", "gate.approve", `${run}/ask-region`, pressed);
    await app.ask("vera", "vouch vera --code 123456", here);
    await app.ask("cass", "vouch vera --code 123456", here);
    await app.ask("toni", "vouch sam", here);
    await app.ask("toni", "vouch vera", pressed);
    const vouches = (person: string, secret: string, step: number) =>
      app.ask(person, "", {
        ...{
          ...here,
          verb: "vouch",
          actionValue: "vera-lindqvist",
          form: { code: codeOf(secret, step) },
          hidden: true,
        },
      });
    // The one who asked for the run vouches: that is their own word, and approves nothing of it.
    await vouches("alex", alex, 0);
    const approves = (step: number) =>
      app.press("vera", "gate.approve", `${run}/ask-region`, {
        ...{ ...here, form: { code: codeOf(vera, step) }, hidden: true },
      });
    await approves(0);
    await vouches("toni", toni, 0);
    await approves(1);
    // Toni and the account she vouched for are one word.
    await app.press("toni", "gate.approve", `${run}/ask-region`, {
      ...{ ...here, form: { code: codeOf(toni, 1) }, hidden: true },
    });
    expectPage("authority-new-second-factor.out", app.script());
    const told = (await store.timeline.read("workspace")).map(({ type }) => type);
    expect(told.filter((type) => type.startsWith("person."))).toEqual([
      ...["person.enrolled", "person.enrolled", "person.enrolled", "person.vouched", "person.vouched"],
    ]);
  });

  test("a role is delegated, used, and taken back", async () => {
    const run = await asked("failover database", "db", "ask-db");
    await app.ask("sam", "delegate", pressed);
    await app.ask("sam", "delegate incident-commander to <@UALEX> for 2h", here);
    await app.ask("vera", "delegate incident-commander to @cass for 2h", here);
    await app.ask("sam", "delegate incident-commander to <@UCASS|cass> for soon", here);
    await app.ask("sam", "delegate incident-commander to <@UCASS|cass> for 2h on a plane", here);
    await app.ask("cass", "delegate incident-commander to <@UTONI> for 1h", here);
    await app.ask("alex", "delegate", here);
    await app.press("cass", "gate.approve", `${run}/ask-db`, here);
    await app.press("sam", "gate.approve", `${run}/ask-db`, here);
    await app.ask("sam", "delegate end incident-commander @cass", here);
    await app.ask("sam", "", {
      ...here,
      verb: "delegate",
      actionValue: "",
      form: { role: "incident-commander", person: "cass-moreau", for: "30m", reason: "" },
    });
    expectPage("authority-delegated.out", app.script());
  });

  test("it is denied with a reason, explained once more, and requested again with another plan", async () => {
    const run = await asked("failover database", "db", "ask-db");
    const actionValue = `${run}/ask-db`;
    await app.ask("sam", "", here);
    await app.ask("alex", "", here);
    await app.press("cass", "gate.deny", actionValue, pressed);
    await app.press("sam", "gate.deny", actionValue, pressed);
    await app.ask("sam", `deny ${run}`, here);
    await app.press("sam", "gate.deny", actionValue, { ...here, form: { reason: "Ask <!channel> what is lost" } });
    await app.press("vera", "gate.explain", actionValue, { ...here, form: { reason: "I am afraid" } });
    await app.press("sam", "gate.explain", actionValue, pressed);
    await app.press("sam", "gate.explain", actionValue, {
      ...here,
      form: { reason: "The primary will not come back" },
    });
    await app.press("vera", "gate.approve", actionValue, here);
    await app.press("vera", "run.details", run, pressed);
    await app.ask("vera", `details ${run} nothing-of-it`, here);
    await app.press("alex", "run.replan", run, pressed);
    await app.press("alex", "run.replan", run, {
      ...here,
      form: { mode: "unplanned", reason: "It is lost" },
      key: "anew",
    });
    expectPage("authority-denied.out", app.script());
    const { state } = await app.state(idFor("inc", "db"));
    expect([...state.runs.values()].map(({ mode, status }) => [mode, status])).toEqual([
      ["planned", "aborted"],
      ["unplanned", "preflight"],
    ]);
  });

  test("no one answers: break-glass by two people, and reviewed by a third", async () => {
    const run = await asked("failover database", "db", "ask-db");
    const actionValue = `${run}/ask-db`;
    await app.press("cass", "gate.break", actionValue, { ...here, form: { reason: "I want to help" } });
    await app.press("alex", "gate.break", actionValue, pressed);
    await app.press("alex", "gate.break", actionValue, { ...here, form: { reason: "Nobody answers" } });
    await app.ask("alex", `escalate ${run} Sam is on a plane`, here);
    await app.press("alex", "gate.break", actionValue, { ...here, form: { reason: "Nobody answers" } });
    app.noTimeToAnswer();
    await app.press("alex", "gate.break", actionValue, { ...here, form: { reason: "Nobody answers" } });
    await app.press("alex", "gate.break", actionValue, here);
    await app.press("alex", "gate.confirm-break", actionValue, here);
    await app.press("sam", "gate.confirm-break", actionValue, here);
    await app.press("vera", "gate.approve", actionValue, here);
    await app.ask("alex", "review", here);
    await app.press("sam", "glass.review", actionValue, { ...here, form: { finding: "I was right" } });
    await app.press("vera", "glass.review", actionValue, pressed);
    await app.press("vera", "glass.review", actionValue, {
      ...here,
      form: { finding: "It was right; my phone was off" },
    });
    await app.ask("vera", "review", here);
    await app.ask("sam", "timeline --last 8", here);
    expectPage("authority-break-glass.out", app.script());
  });

  test("roles are taken by a button, handed over with a note, and explained", async () => {
    await asked("failover database", "db", "ask-db");
    const incident = idFor("inc", "db");
    await app.press("sam", "role", `${incident}/incident-commander`, here);
    await app.press("alex", "role", `${incident}/incident-commander`, here);
    await app.press("sam", "role", incident, {
      ...here,
      form: { role: "comms-lead", person: "cass-moreau", note: "Customers know nothing yet" },
    });
    await app.ask("sam", "role", here);
    expectPage("authority-roles.out", app.script());
  });

  test("only an administrator has the files read again, and is told what came of it", async () => {
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
    Object.assign(app.context, { reload: async () => outcomes.shift() });
    await app.ask("alex", "reload", here);
    expect(outcomes).toHaveLength(3);
    for (const _ of [1, 2, 3]) await app.ask("vera", "reload", here);
    expectPage("authority-reload.out", app.script());
  });

  test("without a key, a person who enrolls is told what to set", async () => {
    Object.assign(app.context, { mfa: createTotp(createSecondFactors(store.pool, store.keyring), []) });
    const run = await asked("failover practice-a", "region", "ask-region");
    await app.ask("vera", "enroll", here);
    await app.press("vera", "gate.approve", `${run}/ask-region`, pressed);
    expectPage("authority-no-key.out", app.script());
  });
});
