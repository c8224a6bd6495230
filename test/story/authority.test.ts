import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Secret, TOTP } from "otpauth";
import type { Browser, Page } from "playwright-core";
import type { View } from "../../practice/slack/index.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import { browserPath, openBrowser } from "../support/browser.ts";
import { enrolledIn } from "../support/record-keys.ts";
import { answerTo, askFor, buttonOf, heard, newFrom, type Question } from "./approval-requests.ts";
import { openPracticeHarness, type PracticeHarness } from "./harness.ts";
import { channelButton, messageIn, openThread } from "./page.ts";

/** The region failover of the practice system: decided by the VP Engineering, with a code, and by the CTO when she is silent. */
let harness: PracticeHarness;
beforeAll(async () => {
  harness = await openPracticeHarness();
}, 120_000);
afterAll(() => harness?.stop(), 60_000);
afterEach(() => harness.endOpenRuns(), 60_000);

const path = browserPath();
const onAPhone = path ? test : test.skip;
const pictures = process.env.LIFEBOAT_PICTURES;

/** What the authenticator of someone shows; a code that was used is not shown again. */
class Authenticator {
  readonly #totp: TOTP;
  #last = -1;
  constructor(secret: string) {
    this.#totp = new TOTP({ secret: Secret.fromBase32(secret) });
  }
  code(): string {
    const now = Date.now();
    this.#last = Math.max(this.#last + 1, Math.floor(now / 30_000) - 1);
    return this.#totp.generate({ timestamp: this.#last * 30_000 });
  }
}

async function enroll(user: string): Promise<Authenticator> {
  const person = harness.workspace.as(user);
  await person.slash("/dr enroll");
  const form = await person.waitForView(({ callback_id: id }: View) => id === "enroll");
  const secret = /`((?:[A-Z2-7]{4} ?)+)`/.exec(JSON.stringify(form.blocks))?.[1]?.replaceAll(" ", "") ?? "";
  const authenticator = new Authenticator(secret);
  const says = await answerTo(harness, user, () => person.submit(form, { code: authenticator.code() }));
  expect(says).toContain("Your authenticator is set up");
  return authenticator;
}

async function abort({ run, channel }: Question): Promise<void> {
  const isNew = newFrom(harness);
  await harness.workspace.as("UALEX").slash(`/dr abort ${run} enough`, channel);
  await heard(harness, isNew, /aborted\. /);
}

describe("the VP Engineering decides with a code", () => {
  test("who has none is told how, and who else may; who guesses is counted; nothing is decided", async () => {
    const question = await askFor(harness, "/dr failover practice-a");
    const vera = harness.workspace.as("UVERA");
    const says = await answerTo(harness, "UVERA", () => vera.click(question.card, "gate.approve"));
    expect(says).toMatch(/You haven't set one up.*Toni Berg may decide it as well.*\/dr enroll/s);
    const authenticator = await enroll("UVERA");
    await vera.click(question.card, "gate.approve");
    const form = await vera.waitForView(({ callback_id: id }: View) => id === "gate.approve");
    const wrong = authenticator.code() === "314159" ? "271828" : "314159";
    const told = await answerTo(harness, "UVERA", () => vera.submit(form, { code: wrong }));
    expect(told).toMatch(/Wrong or expired code.*4 tries left/s);
    const { events } = await harness.lastRun();
    expect(
      events.filter(({ type }) => type === "command.refused").map(({ data }) => (data as { code: string }).code),
    ).toEqual(["proof-not-enrolled", "proof-wrong"]);
    expect(events.filter(({ data }) => JSON.stringify(data).includes(wrong))).toEqual([]);
    await abort(question);
  }, 120_000);

  onAPhone(
    "in the thread, on a screen of 390 by 844, and the region is left",
    async () => {
      const again = await enrolledAgain();
      const question = await askFor(harness, "/dr failover practice-a");
      const browser = await openBrowser(path as string);
      try {
        const page = await phoneOf(browser, "Vera Lindqvist");
        await channelButton(harness, page, question.card).click();
        const thread = await openThread(page, question.card);
        const card = messageIn(thread, question.card);
        await card.getByRole("button", { name: "Approve Leave a practice region" }).scrollIntoViewIfNeeded();
        await look(page, "card");
        const box = await card.boundingBox();
        expect(box?.width).toBeLessThanOrEqual(390);
        expect(box?.height).toBeLessThanOrEqual(844);
        for (const words of ["Data loss:", "Fencing:", "Point of no return:", "Direction:", "Waiting for:"])
          expect(await card.getByText(words).isVisible()).toBe(true);

        await card.getByRole("button", { name: "Approve Leave a practice region" }).click();
        const form = page.getByRole("dialog", { name: "Approve" });
        await form.getByLabel("Authenticator code").fill(again.code());
        await look(page, "code");
        await form.getByRole("button", { name: "Approve" }).click();
        await form.waitFor({ state: "detached" });
        await thread
          .getByText(/approved by/)
          .first()
          .waitFor({ timeout: 20_000 });
        await look(page, "approved");
      } finally {
        await browser.close();
      }
      await heard(
        harness,
        ({ channel }) => channel === question.channel,
        /Leave a practice region is done and verified/,
        60_000,
      );
      const { events } = await harness.lastRun();
      expect(events.find(({ type }) => type === "gate.approved")?.data).toMatchObject({
        person: "vera-lindqvist",
        role: "vp-engineering",
        proved: true,
      });
      const letter = harness.workspace
        .snapshot()
        .messages.findLast((one) => /^D/.test(one.channel) && /approved by/.test(one.text));
      expect(letter && buttonOf(letter, "gate.approve")).toBeUndefined();
    },
    180_000,
  );
});

describe("the VP Engineering is silent", () => {
  test("the CTO is asked on time, in the thread and by direct message, across a restart of the bot; then decides", async () => {
    await harness.environment.heal();
    await harness.catalog(async (practice) => {
      const file = join(practice, "runbooks", "region-failover.yml");
      await writeFile(file, (await readFile(file, "utf8")).replace("stepUp: true", "stepUp: false"));
      const system = join(practice, "system.yml");
      await writeFile(system, (await readFile(system, "utf8")).replace("every: 2m", "every: 12s"));
    });
    const question = await askFor(harness, "/dr failover practice-a");
    await harness.bot.kill();
    await harness.bot.start();
    const toni = harness.workspace.as("UTONI");
    const letter = await toni.waitForMessage(
      (m) => m.channel.startsWith("D") && buttonOf(m, "gate.approve") !== undefined,
      40_000,
    );
    const { events } = await harness.lastRun();
    const at = (type: string) => events.findLast((event) => event.type === type)?.at.getTime() ?? 0;
    expect(at("gate.escalated") - at("gate.opened")).toBeGreaterThanOrEqual(12_000);
    expect(at("gate.escalated") - at("gate.opened")).toBeLessThan(19_000);
    await toni.click(letter, "gate.approve", { confirm: true });
    await heard(harness, ({ channel }) => channel === question.channel, /is done and verified/, 60_000);
  }, 180_000);
});

/** She lost her phone: what she had is taken away, and she enrolls again. */
async function enrolledAgain(): Promise<Authenticator> {
  const proofs = createSecondFactors(harness.store.pool, harness.store.keyring);
  for (const holder of await enrolledIn(harness.store)) await proofs.forget(holder);
  return enroll("UVERA");
}

async function phoneOf(browser: Browser, name: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(harness.workspace.url);
  await page
    .getByRole("button", { name: "‹" })
    .or(page.getByRole("button", { name: /Back/ }))
    .first()
    .click();
  await page.getByRole("button", { name: /^You are/ }).click();
  await page.getByRole("menuitem", { name: new RegExp(name) }).click();
  return page;
}

async function look(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: join(pictures, `authority-${name}.png`) });
}
