import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { projectRoot } from "../../src/lib/root.ts";
import { draftPostmortem } from "../../src/report/postmortem.ts";
import { browserPath, openBrowser } from "../support/browser.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";
import * as stories from "../support/report-stories.ts";

/** The page as people see it: on a phone, at a desk, and on A4 (180 mm between the margins). */
const PLACES = [
  { name: "a phone", viewport: { width: 390, height: 844 }, media: "screen" },
  { name: "a desk", viewport: { width: 1100, height: 900 }, media: "screen" },
  { name: "A4", viewport: { width: 680, height: 960 }, media: "print" },
] as const;

const path = browserPath();
const inBrowser = path ? describe : describe.skip;
const names = (who: string) => stories.berlin.people.find(({ id }) => id === who)?.name ?? who;

function pageOf({ state, events, plans }: RecordedIncident): string {
  const request = { incident: state.id, events, plans, system: stories.berlin, names, practice: false };
  return draftPostmortem({ ...request, pictures: true }).html;
}

function withLongWords(): RecordedIncident {
  const text = `postgres:10.0.0.5:5432/${"a".repeat(200)} default_transaction_read_only_and_then_some_more_of_it`;
  return stories.unplannedWithLoss().ask("bo", { type: "note", text, happenedAt: null, link: null });
}

/** Runs in the page. */
const unreadable = readFileSync(join(projectRoot(), "test", "support", "unreadable-page.js"), "utf8");

inBrowser("a report in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser(path as string);
  }, 60_000);
  afterAll(() => browser?.close());

  const told = {
    loss: stories.unplannedWithLoss,
    denied: stories.deniedAndAskedAgain,
    planned: stories.planned,
    long: withLongWords,
  };
  test.each(PLACES)("on $name no word is broken and nothing sticks out", async ({ name, viewport, media }) => {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    await page.emulateMedia({ media });
    for (const [story, tell] of Object.entries(told)) {
      await page.setContent(pageOf(tell()));
      // Set for people who want to see them: a folder.
      const folder = process.env.LIFEBOAT_SHOTS;
      if (folder) {
        mkdirSync(folder, { recursive: true });
        const file = `${story}-${name.replaceAll(" ", "-")}.png`;
        await page.screenshot({ path: join(folder, file), fullPage: true });
      }
      expect([story, await page.evaluate(unreadable)]).toEqual([story, []]);
    }
    await context.close();
  });
});
