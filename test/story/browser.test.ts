import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { browserPath, openBrowser } from "../support/browser.ts";
import { AGAIN, askFor, heard, isQuestion, newFrom, questionOf } from "./approval-requests.ts";
import { openPracticeHarness, type PracticeHarness } from "./harness.ts";
import { channelButton, messageIn, openThread } from "./page.ts";

const path = browserPath();
const inBrowser = path ? describe : describe.skip;

inBrowser("a newcomer's two minutes, in a browser", () => {
  let harness: PracticeHarness;
  let browser: Browser;
  const complaints: string[] = [];

  beforeAll(async () => {
    harness = await openPracticeHarness();
    browser = await openBrowser(path as string);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await harness?.stop();
  }, 60_000);
  beforeEach(() => harness.environment.heal(), 120_000);
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await harness.endOpenRuns();
    expect(complaints.splice(0)).toEqual([]);
  }, 60_000);

  async function open(options: BrowserContextOptions): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.setDefaultTimeout(30_000);
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(harness.url);
    await page.getByRole("textbox", { name: "Message #incident-response" }).waitFor();
    return page;
  }

  /** The name of a channel of an incident, as the list of channels shows it. */
  const nameOf = (channel: string) =>
    harness.workspace.snapshot().channels.find(({ id }) => id === channel)?.name ?? "";
  const thread = (page: Page) => page.getByRole("region", { name: "Thread" });
  const card = (page: Page, server: string) =>
    page.getByRole("complementary").getByRole("listitem").filter({ hasText: server });

  async function become(page: Page, name: RegExp) {
    await page.getByRole("button", { name: /^You are/ }).click();
    await page.getByRole("menuitem", { name }).click();
  }

  test("at a desk, with a mouse: from the first word to the post-mortem, beside the writes that move", async () => {
    const page = await open({ viewport: { width: 1440, height: 900 } });
    await card(page, "orders-a").getByText("The application writes here.").waitFor();
    const box = page.getByRole("textbox", { name: "Message #incident-response" });
    const isNew = newFrom(harness);
    await box.fill(`/dr failover database${AGAIN}`);
    await box.press("Enter");
    const question = await harness.workspace.as("USAM").waitForMessage((m) => isNew(m) && isQuestion(m), 30_000);
    await channelButton(harness, page, question).click();
    await become(page, /Sam Okafor/);
    await openThread(page, question);
    await thread(page).getByRole("button", { name: "Approve Fail over" }).click();
    const sure = page.getByRole("alertdialog", { name: /^Approve: Fail over the orders database/ });
    await sure.getByText("writes move from orders-a to orders-b. Data loss: nothing").waitFor();
    await sure.getByRole("button", { name: "Approve" }).click();
    await card(page, "orders-b").getByText("The application writes here.").waitFor();
    await thread(page)
      .getByRole("heading", { name: /Done and verified/ })
      .waitFor();
    await card(page, "orders-a").getByText("fenced (read-only)").waitFor();

    // Planned work has ended with its run: there is nothing to resolve.
    await thread(page).getByRole("button", { name: "Draft post-mortem" }).click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: /postmortem-(?:inc|maint)-.*\.md/ }).click(),
    ]);
    const document = await readFile(await download.path(), "utf8");
    expect(document).toMatch(/^# Maintenance report: Orders database: failover/);
    expect(document).toMatch(/\| RPO \| nothing \| 1 min \| met \|/);
  }, 150_000);

  test("on a phone: the decision is on one screen, nothing sticks out, and a thumb can press it", async () => {
    const isNew = newFrom(harness);
    const question = await askFor(harness, "/dr failover database");
    const page = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await page.getByRole("button", { name: "Back" }).tap();
    await become(page, /Vera Lindqvist/);
    await channelButton(harness, page, question).tap();
    const decision = messageIn(await openThread(page, question.card), question.card);
    const approve = decision.getByRole("button", { name: "Approve Fail over" });
    await approve.waitFor();
    const [top, bottom] = await Promise.all([edges(decision.getByRole("heading").first()), edges(approve)]);
    expect(bottom.bottom - top.top).toBeLessThan(844 * 0.85);
    expect(bottom.bottom - bottom.top).toBeGreaterThanOrEqual(44);
    expect(await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")).toEqual([390, 390]);
    await approve.tap();
    await page.getByRole("alertdialog").getByRole("button", { name: "Approve" }).tap();
    await heard(harness, isNew, /is done and verified/, 60_000);
    expect((await harness.lastRun()).run).toMatchObject({ id: question.run, status: "verified" });
  }, 150_000);

  test("on a phone, with a code and no device: the VP sets up where she is refused, scans, and approves", async () => {
    const isNew = newFrom(harness);
    const question = await askFor(harness, "/dr failover practice-a");
    const page = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await page.getByRole("button", { name: "Back" }).tap();
    await become(page, /Vera Lindqvist/);
    await channelButton(harness, page, question).tap();
    const decision = messageIn(await openThread(page, question.card), question.card);
    await decision.getByRole("button", { name: /^Approve/ }).tap();
    await thread(page).getByRole("button", { name: "Set up authenticator" }).tap();
    const form = page.getByRole("dialog");
    await form.getByRole("button", { name: /Scan with Vera's phone/ }).tap();
    await form.getByRole("button", { name: /^Fill in/ }).tap();
    await form.getByRole("button", { name: "Confirm" }).tap();
    await form.waitFor({ state: "detached" });
    await decision.getByRole("button", { name: /^Approve/ }).tap();
    // No code counts twice: it can be filled in again when the next one comes, within 30 s.
    await form.getByRole("button", { name: /^Fill in/ }).tap({ timeout: 60_000 });
    await form.getByRole("button", { name: "Approve" }).tap();
    await form.waitFor({ state: "detached" });
    await heard(harness, isNew, /Leave a practice region is done and verified/, 60_000);
    expect((await harness.lastRun()).run).toMatchObject({ id: question.run, status: "verified" });
  }, 180_000);

  test("without a mouse: the same story by keys alone", async () => {
    const page = await open({ viewport: { width: 1280, height: 800 } });
    const isNew = newFrom(harness);
    await reach(page, /^Message #incident-response$/);
    await page.keyboard.type(`/dr failover database${AGAIN}`);
    await page.keyboard.press("Enter");
    const question = await harness.workspace.as("USAM").waitForMessage((m) => isNew(m) && isQuestion(m), 30_000);
    await reach(page, /^You are/);
    await page.keyboard.press("Enter");
    await page.getByRole("menu").waitFor();
    await reach(page, /\bSam Okafor\b/, "ArrowDown");
    await page.keyboard.press("Enter");
    await reach(page, new RegExp(nameOf(question.channel)));
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: `Message #${nameOf(question.channel)}` }).waitFor();
    const replies = messageIn(page.getByRole("main"), { ts: question.thread_ts ?? question.ts });
    await replies.getByRole("button", { name: /\d+ repl(y|ies)/ }).focus();
    await page.keyboard.press("Enter");
    await reach(page, /^Approve Fail over/);
    await page.keyboard.press("Enter");
    await page.getByRole("alertdialog").waitFor();
    await reach(page, /^Approve$/);
    await page.keyboard.press("Enter");
    await thread(page)
      .getByRole("heading", { name: /Done and verified/ })
      .waitFor({ timeout: 60_000 });
    expect((await harness.lastRun()).run).toMatchObject({ id: questionOf(question).run, status: "verified" });
  }, 150_000);
});

async function edges(of: Locator): Promise<{ top: number; bottom: number }> {
  const box = await of.boundingBox();
  if (box === null) throw new Error("It is not on the page.");
  return { top: box.y, bottom: box.y + box.height };
}

/** What a screen reader would call the element that has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate(
    "(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.innerText ?? '').trim()",
  );
}

/** Key after key, until it has the focus: on a busy machine it is drawn after the first rounds through the page. */
async function reach(page: Page, name: RegExp, key = "Tab"): Promise<void> {
  const until = performance.now() + 30_000;
  while (performance.now() < until) {
    if (name.test((await focused(page)).replace(/\s+/g, " "))) return;
    await page.keyboard.press(key);
  }
  throw new Error(`Nothing called ${name} can be reached by ${key}.`);
}
