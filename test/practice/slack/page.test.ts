import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { createWorkspace, type Workspace } from "../../../practice/slack/index.ts";
import { browserPath, openBrowser } from "../../support/browser.ts";
import { violationsIn } from "./fixtures/axe.ts";
import { startBot } from "./fixtures/bot.ts";

// What these tests show is no bot of ours: it is not recorded for the validators.
delete process.env.LIFEBOAT_SLACK_RECORDING;

const path = browserPath();
const inBrowser = path ? describe : describe.skip;

inBrowser("the page, as a person uses it", () => {
  let workspace: Workspace;
  let bot: Awaited<ReturnType<typeof startBot>>;
  let browser: Browser;
  const complaints: string[] = [];

  beforeAll(async () => {
    workspace = await createWorkspace({
      manifest: {
        features: {
          slash_commands: [{ command: "/dr", usage_hint: "failover <component>", should_escape: true }],
          shortcuts: [
            { type: "global", name: "Declare incident", callback_id: "declare" },
            { type: "message", name: "Declare from this", callback_id: "declare" },
          ],
        },
        oauth_config: { scopes: { bot: ["chat:write", "files:write"] } },
        settings: { event_subscriptions: { bot_events: ["app_home_opened", "app_mention"] } },
      },
      mounts: [
        {
          prefix: "/environment",
          panel: "/environment/panel.js",
          title: "Environment",
          handle(request, response) {
            if (request.url !== "/environment/panel.js") return false;
            response.setHeader("content-type", "text/javascript");
            response.end("export function mount(element, base) { element.textContent = 'Drawn at ' + base; }");
            return true;
          },
        },
      ],
    });
    bot = await startBot(workspace);
    browser = await openBrowser(path as string);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await bot?.stop();
    await workspace?.close();
  });
  afterEach(async () => {
    workspace.faults("calm");
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(complaints.splice(0)).toEqual([]);
  });

  async function open(width = 1280, height = 800, colorScheme: "light" | "dark" = "light"): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(workspace.url);
    await page.getByRole("textbox", { name: "Message #incident-response" }).waitFor();
    return page;
  }

  const message = (page: Page, text: string) =>
    page.getByRole("main").getByRole("article").filter({ hasText: text }).last();

  async function become(page: Page, name: string) {
    await page.getByRole("button", { name: /^You are/ }).click();
    await page.getByRole("menuitem", { name: new RegExp(name) }).click();
  }

  test("the hint is followed, a command answered for one's eyes only, and lost on reload", async () => {
    const page = await open();
    expect(await page.getByText("PRACTICE", { exact: true }).isVisible()).toBe(true);
    await page.getByText("Drawn at /environment").waitFor();
    await page.getByRole("button", { name: "/dr failover database" }).click();
    await page.keyboard.press("Enter");
    await message(page, "Asked the incident commander.").getByText("Only visible to you").waitFor();
    await page.reload();
    await message(page, "needs approval").waitFor();
    expect(await page.getByText("Asked the incident commander.").count()).toBe(0);
  });

  test("another person sees the request but not the aside; denies after being asked; only by keyboard", async () => {
    const page = await open();
    const box = page.getByRole("textbox", { name: "Message #incident-response" });
    await box.fill("/d");
    await page.getByRole("option", { name: /\/dr/ }).waitFor();
    await box.press("Tab");
    expect(await box.inputValue()).toBe("/dr ");
    await page.keyboard.type("failover cache");
    await page.keyboard.press("Enter");
    await message(page, "Asked the incident commander.").waitFor();

    await become(page, "Sam Okafor");
    expect(await page.getByText("Asked the incident commander.").count()).toBe(0);
    const request = message(page, "failover cache needs approval");
    await request.getByRole("button", { name: "Deny" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("alertdialog", { name: "Deny?" });
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await request.count()).toBe(1);
    await page.keyboard.press("Enter");
    await dialog.getByRole("button", { name: "Deny" }).press("Enter");
    await message(page, "Denied.").waitFor();
  });

  test("a form says what is wrong beside the field, and closes when it is right", async () => {
    const page = await open();
    await workspace.as("UALEX").slash("/dr failover web");
    await message(page, "failover web needs approval").getByRole("button", { name: "Approve" }).click();
    const form = page.getByRole("dialog", { name: "Approve" });
    const field = form.getByLabel("Type the component's name");
    await field.fill("databse");
    await page.keyboard.press("Enter");
    await form.getByRole("alert").filter({ hasText: "Type the word database." }).waitFor();
    await field.fill("database");
    await form.getByRole("button", { name: "Approve" }).click();
    await form.waitFor({ state: "detached" });
    await message(page, "Approved by").getByText("@Alex Rivera").waitFor();
  });

  test("a thread opens beside, takes a reply but no command, and closes with Escape", async () => {
    const page = await open();
    const said = await workspace.as("USAM").say("What is <b>this</b> *now*?");
    if (!said.ok || !said.ts) throw new Error("Sam could not speak.");
    await workspace.as("UCASS").say("Look here", "CINCIDENT", said.ts);
    const root = message(page, "What is <b>this</b> now?");
    await root.getByRole("button", { name: /1 reply/ }).click();
    const thread = page.getByRole("region", { name: "Thread" });
    await thread.getByText("Look here").waitFor();
    const reply = thread.getByRole("textbox", { name: "Reply" });
    await reply.fill("/dr status");
    await reply.press("Enter");
    await thread.getByText("/dr is not supported in threads. Sorry!").waitFor();
    await reply.fill("I see it too");
    await reply.press("Enter");
    await root.getByRole("button", { name: /2 replies/ }).waitFor();
    await reply.press("Escape");
    await thread.waitFor({ state: "detached" });
  });

  test("Home, a shortcut, a file, an unknown block, and what crossed the wire", async () => {
    const page = await open();
    await page.getByRole("button", { name: /Lifeboat Home/ }).click();
    await page.getByRole("heading", { name: "Nothing is on fire" }).waitFor();
    await page.getByRole("button", { name: /incident-response/ }).click();

    await page.getByRole("button", { name: "Shortcuts and files" }).click();
    await page.getByRole("menuitem", { name: "Declare incident" }).click();
    await page.getByRole("dialog", { name: "Approve" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });

    await workspace.as("UALEX").slash("/dr upload");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: /postmortem.md/ }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("postmortem.md");

    const blocks = [{ type: "plan", title: "x", tasks: [] }] as never;
    await bot.client.chat.postMessage({ channel: "CINCIDENT", text: "a plan", blocks });
    await page.getByText("“plan” blocks are not supported in practice.").waitFor();

    await page.getByRole("tab", { name: "Inspector" }).click();
    await page.getByRole("complementary").getByText("chat.postMessage").first().waitFor();
    await page.getByRole("tab", { name: "Faults" }).click();
    await page.getByRole("button", { name: "Answer 503" }).click();
    await page.getByText(/unavailableSeconds/).waitFor();
    await page.getByRole("button", { name: "Calm everything" }).click();
    await page.getByText("All is calm.").waitFor();
  });

  test("on a phone the panes are screens, nothing sticks out, and Back leads back", async () => {
    const page = await open(390, 844);
    const root = await workspace.as("USAM").say("From the phone");
    if (!root.ok || !root.ts) throw new Error("Sam could not speak.");
    await workspace.as("USAM").say("A reply", "CINCIDENT", root.ts);
    const widths = () => page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    expect(await widths()).toEqual([390, 390]);
    await message(page, "From the phone")
      .getByRole("button", { name: /1 reply/ })
      .click();
    await page.getByText("A reply").waitFor();
    expect(await page.getByRole("textbox", { name: /^Message/ }).isVisible()).toBe(false);
    expect(await widths()).toEqual([390, 390]);
    await page.getByRole("region", { name: "Thread" }).getByRole("button", { name: "Back" }).click();
    await page.getByRole("button", { name: "Back" }).click();
    await become(page, "Vera Lindqvist");
    await page.getByRole("button", { name: /incident-response/ }).click();
    await page.getByText("as Vera Lindqvist").waitFor();
    expect(await widths()).toEqual([390, 390]);
  });

  test.each([
    ["at a desk", 1280, 800, "light"],
    ["at a desk in the dark", 1280, 800, "dark"],
    ["on a phone", 390, 844, "light"],
  ] as const)("no screen keeps anyone out: %s", async (_, width, height, colorScheme) => {
    const page = await open(width, height, colorScheme);
    const phone = width < 760;
    const sound = async (screen: string) =>
      expect({ screen, found: await violationsIn(page) }).toEqual({ screen, found: [] });
    await sound("the tour and an empty channel");
    await page.getByRole("button", { name: "Close the tour" }).click();
    await workspace.as("USAM").slash("/dr failover mail");
    const request = message(page, "failover mail needs approval");
    await request.waitFor();
    await workspace.as("UCASS").say("Look here", "CINCIDENT", (await request.getAttribute("data-ts")) as string);
    await sound("a channel");
    await request.getByRole("button", { name: /1 reply/ }).click();
    await page.getByRole("region", { name: "Thread" }).getByText("Look here").waitFor();
    await sound("a thread");
    await page.keyboard.press("Escape");
    await request.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("dialog", { name: "Approve" }).waitFor();
    await sound("a form");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    if (phone) await page.getByRole("button", { name: "Back" }).click();
    await page.getByRole("button", { name: /^You are/ }).click();
    await page.getByRole("menu").waitFor();
    await sound("the list of people");
    await page.keyboard.press("Escape");
    for (const panel of ["Environment", "Inspector", "Faults"]) {
      const way = phone
        ? page.getByRole("navigation", { name: "Channels" }).getByRole("button", { name: panel })
        : page.getByRole("tab", { name: panel });
      await way.click();
      await page.getByRole("tab", { name: panel, selected: true }).waitFor();
      await sound(panel);
      if (phone) await page.getByRole("button", { name: "Back" }).click();
    }
    await page.getByRole("button", { name: /Lifeboat Home/ }).click();
    await page.getByRole("heading", { name: "Nothing is on fire" }).waitFor();
    await sound("Home");
  });

  test("what has the focus is never lost: after a form, a thread, a menu, and from tab to tab", async () => {
    const page = await open();
    const focus = () =>
      page.evaluate("document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent.trim()");
    await workspace.as("UALEX").slash("/dr failover mail");
    const request = message(page, "failover mail needs approval");
    await request.getByRole("button", { name: "Approve" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Approve" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await focus()).toMatch(/^Approve/);

    await workspace.as("UCASS").say("Look here", "CINCIDENT", (await request.getAttribute("data-ts")) as string);
    await request.getByRole("button", { name: /1 reply/ }).focus();
    await page.keyboard.press("Enter");
    await expect(settled(focus)).resolves.toBe("Thread");
    await page.keyboard.press("Escape");
    await page.getByRole("region", { name: "Thread" }).waitFor({ state: "detached" });
    await expect(settled(focus, /repl/)).resolves.toMatch(/1 reply/);

    await page.getByRole("button", { name: "Shortcuts and files" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Escape");
    expect(await focus()).toBe("Shortcuts and files");

    await page.getByRole("tab", { name: "Environment" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: "Inspector", selected: true }).waitFor();
    await expect(settled(focus, /Inspector/)).resolves.toBe("Inspector");
  });

  test("a new message is told to screen readers, and its menu is seen whole though it is the last one", async () => {
    const page = await open();
    const log = page.getByRole("log", { name: "Messages in incident-response" });
    expect(await log.getAttribute("aria-live")).toBe("polite");
    for (let n = 0; n < 12; n++) await workspace.as("USAM").say(`Line ${n}`);
    const last = log.getByRole("article").filter({ hasText: "Line 11" });
    await last.hover();
    await last.getByRole("button", { name: "More message actions" }).click();
    const menu = page.getByRole("menu");
    await menu.waitFor();
    for (const item of await menu.getByRole("menuitem").all()) {
      await item.click({ trial: true, timeout: 3000 });
    }
    await page.keyboard.press("Escape");
  });

  test("the tour goes three steps, covers nothing, is remembered, and comes back", async () => {
    const page = await open(390, 844);
    const tour = page.getByRole("region", { name: "Tour" });
    await tour.getByText("1 of 3: What to type").waitFor();
    for (const step of ["2 of 3: Whose turn it is", "3 of 3: Where the record is"]) {
      await tour.getByRole("button", { name: "Next" }).click();
      await tour.getByText(step).waitFor();
      await page.getByRole("textbox", { name: /^Message/ }).click({ trial: true });
      await page.getByRole("button", { name: "Back", exact: true }).first().click({ trial: true });
    }
    await page.reload();
    await tour.getByText("3 of 3").waitFor();
    await tour.getByRole("button", { name: "Done" }).click();
    await tour.waitFor({ state: "detached" });
    await page.reload();
    await page.getByRole("button", { name: "Tour" }).click();
    await tour.getByText("1 of 3").waitFor();
  });
});

/** What it says once it says that: focus follows what is drawn. */
async function settled(look: () => Promise<unknown>, wanted = /Thread/): Promise<unknown> {
  const until = performance.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (wanted.test(String(seen)) || performance.now() > until) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
