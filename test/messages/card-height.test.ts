import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { createWorkspace, type Workspace } from "../../practice/slack/index.ts";
import type { System } from "../../src/catalog/types.ts";
import type { ShownCheck } from "../../src/incident/events.ts";
import { truncateMessage } from "../../src/sinks/slack/truncate.ts";
import { gateCard } from "../../templates/messages/approval/gate.ts";
import { gatesOf } from "../../templates/messages/run/plan.ts";
import { browserPath, openBrowser } from "../support/browser.ts";
import { asked, everyRunbook, planOf } from "../support/runbook-plans.ts";
import { around } from "../support/surroundings.ts";

const path = browserPath();
const inBrowser = path ? describe : describe.skip;

/** A phone of 390 × 844 shows this much of a message beside Slack's own head, pins and composer. */
const SCREEN_PX = 660;

const warning = (id: string, says: string): ShownCheck => ({ step: "", id, level: "warn", ok: false, says });
/** As bad as a preflight that passes usually gets. */
const seen = {
  ready: true,
  factsHash: "f",
  facts: [],
  checks: [
    warning("lag", "The standby is 14 s behind."),
    warning("primary", "The old primary can't be fenced by its own login: nothing listens at 127.0.0.1:54321."),
    warning("app", "The application can't be asked what it wrote last: nothing listens at 127.0.0.1:54322."),
    warning("again", "The application can't be asked what it wrote last: nothing listens at 127.0.0.1:54323."),
  ],
  loss: "about 14 s of writes (newest replicated write at 17:53:12 UTC)",
};

inBrowser("what is decided fits on a phone, with its buttons", () => {
  let workspace: Workspace;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    workspace = await createWorkspace({ manifest: { oauth_config: { scopes: { bot: ["chat:write"] } } } });
    browser = await openBrowser(path as string);
    page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await workspace?.close();
  });

  test("every approval of every runbook", async () => {
    const env = workspace.environment();
    const post = async (system: System, blocks: object) => {
      const response = await fetch(`${env.SLACK_API_URL}chat.postMessage`, {
        method: "POST",
        headers: { authorization: `Bearer ${env.SLACK_BOT_TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ channel: "CINCIDENT", ...blocks }),
      });
      const { ok, ts, error } = (await response.json()) as { ok: boolean; ts: string; error?: string };
      if (!ok) throw new Error(`${system.id}: ${error}`);
      return ts;
    };
    const posted: { name: string; ts: string }[] = [];
    for (const [name, book, mode, back] of everyRunbook) {
      const { system, plan } = planOf(book, mode, back);
      const { story, open } = asked(system, plan, seen);
      for (const gate of gatesOf(plan)) {
        // A card that asks nothing says the runbook's title as well, and is a line longer.
        expect({ name, asks: gate.title.includes("?") }).toEqual({ name, asks: true });
        const ask = open(gate);
        const names = (who: string) => system.people.find(({ id }) => id === who)?.name ?? who;
        const message = truncateMessage(gateCard(ask, { ...around(story), system, names }));
        posted.push({ name: `${name}, ${gate.id}`, ts: await post(system, message) });
      }
    }
    await page.goto(workspace.url);
    await page.locator(`article[data-ts="${posted.at(-1)?.ts}"]`).waitFor();
    const heights = await page
      .locator("article[data-ts]")
      .evaluateAll((all) => all.map((one) => [one.getAttribute("data-ts"), one.getBoundingClientRect().height]));
    const heightOf = new Map(heights as [string, number][]);
    const tall = posted
      .map(({ name, ts }) => ({ name, height: Math.round(heightOf.get(ts) ?? Number.POSITIVE_INFINITY) }))
      .filter(({ height }) => height > SCREEN_PX);
    expect(posted.length).toBeGreaterThan(50);
    expect(tall).toEqual([]);
  }, 120_000);
});
