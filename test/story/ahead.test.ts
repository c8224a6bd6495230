import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Message, View } from "../../practice/slack/index.ts";
import { createSearch, type Search } from "../../practice/targets/search/index.ts";
import { nextOf } from "../../src/catalog/calendar.ts";
import { FAST_SLACK } from "../support/fast-slack.ts";
import { killedOnce } from "../support/killed-once.ts";
import { until } from "../support/postgres.ts";
import { answerTo, heard, newFrom } from "./approval-requests.ts";
import { openPracticeHarness, type PracticeHarness } from "./harness.ts";

/** A snapshot of the shop's search index every night, on an approval that was given ahead. */
const RUNBOOK = (url: string, clusterUuid: string) => `title: Back up the search index
summary: Every night a snapshot, approved ahead.
component: orders
modes: [planned]
changes: the repository gets one more snapshot
maintenance: true
stages:
  - id: decide
    title: Decide
    steps:
      - { id: approve, title: Take a snapshot?, gate: { role: incident-commander, expires: 30m } }
  - id: copy
    title: Copy
    steps:
      - id: snapshot
        title: Take a snapshot
        action: search.snapshot
        with:
          cluster: { name: search, url: "${url}", clusterUuid: "${clusterUuid}", login: { user: lifeboat, passwordFrom: SEARCH_PASSWORD } }
          repository: backups
          indices: [orders]
          name: nightly
          pollSeconds: 0.1
`;
const CALENDAR = `calendar:
  nightly:
    title: Nightly snapshot
    runbook: search-nightly
    kind: backup
    schedule: "0 2 * * *"
    organiser: responder
    takes: 2h
    tells: [vp-engineering]
    approvedAhead: { expires: 30d }
`;
const LIMIT = 180_000;

let harness: PracticeHarness;
let search: Search;
let folder: string;
let started: Readonly<Record<string, string>>;

beforeAll(async () => {
  search = await createSearch({ scale: 0.002, clusters: ["search"] });
  const { url, state, addIndex, login } = search.cluster("search");
  addIndex("orders", [{ total: 3 }]);
  harness = await openPracticeHarness(FAST_SLACK);
  started = await harness.catalog(
    async (system) => {
      folder = system;
      await writeFile(join(system, "runbooks/search-nightly.yml"), RUNBOOK(url, state.uuid));
      await edit("system.yml", (text) => {
        const [before = "", after = ""] = text.split("\ncalendar:\n");
        return `${before}\n${CALENDAR}${after.slice(after.indexOf("\n# Played without"))}`;
      });
    },
    { SEARCH_PASSWORD: login.password },
  );
}, LIMIT);
afterAll(async () => {
  await harness?.stop();
  await search?.close();
}, 60_000);

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const path = join(folder, file);
  const before = await readFile(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`Nothing in ${file} was changed.`);
  await writeFile(path, after);
}

const recorded = () => harness.store.timeline.read("cal-practice");
const count = async (type: string) =>
  (await recorded()).filter((one) => one.type === type && (one.data as { occasion?: string }).occasion === "nightly")
    .length;
const snapshots = () => search.repository.snapshots.size;

/** Two o'clock comes. */
async function night(): Promise<void> {
  const now = Date.now() + (await harness.clock.aheadSeconds()) * 1000;
  const next = nextOf({ cron: "0 2 * * *", timezone: "UTC" }, new Date(now));
  await harness.clock.moveForward(Math.ceil(((next?.getTime() ?? 0) - now) / 1000) + 5);
}

/** Sam reads what is to be approved, and approves it. What the form said. */
async function approves(letter?: Message): Promise<string> {
  const sam = harness.workspace.as("USAM");
  if (letter === undefined) await sam.slash("/dr calendar approve nightly");
  else await sam.click(letter, "calendar.approve");
  const form = await sam.waitForView(({ callback_id: id }: View) => id === "calendar.approve");
  expect(await answerTo(harness, "USAM", () => sam.submit(form))).toContain("Approved ahead");
  return JSON.stringify(form.blocks);
}

const asksSam = (isNew: (m: Message) => boolean, words: RegExp) =>
  heard(harness, (m) => isNew(m) && m.channel.startsWith("D"), words);

describe("given a nightly backup that may be approved ahead", () => {
  test(
    "its approver is asked once, and shown every step, how often it runs and until when it holds",
    async () => {
      const isNew = newFrom(harness);
      await until(async () => (await count("occasion.planned")) === 1, 30);
      await harness.clock.moveForward(120);
      const shown = await approves(await asksSam(isNew, /Approve ahead: .*Nightly snapshot/));
      for (const words of ["search.snapshot", "indices = ", "0 2 ∗ ∗ ∗", "(30 d", "Plan:"])
        expect(shown).toContain(words);
      expect(await count("occasion.approvalAsked")).toBe(1);
    },
    LIMIT,
  );

  test(
    "the first night is verified without a word to anyone, and once, though the bot is killed in its middle",
    async () => {
      const [isNew, before] = [newFrom(harness), snapshots()];
      await killedOnce(
        harness.bot,
        { at: "snapshot:after-apply", marker: join(harness.folder, "killed"), environment: started },
        async () => {
          await night();
          await until(async () => (await count("occasion.done")) === 1, 90);
        },
      );
      const { events, run, state } = await harness.lastRun();
      expect(run).toMatchObject({ status: "verified", requester: "alex-rivera", ahead: { occasion: "nightly" } });
      expect(state.declared?.kind).toBe("maintenance");
      expect(events.find(({ type }) => type === "gate.approved")).toMatchObject({
        actor: { kind: "bot" },
        data: { person: "sam-okafor", ahead: { occasion: "nightly" } },
      });
      expect([snapshots() - before, await count("occasion.started")]).toEqual([1, 1]);
      const { messages, ephemerals } = harness.workspace.snapshot();
      expect([...messages, ...ephemerals].filter(isNew).map(({ text }) => text)).toEqual([]);
      expect(await answerTo(harness, "USAM", () => harness.workspace.as("USAM").slash("/dr calendar"))).toMatch(
        /Nightly snapshot.*approved ahead by Sam Okafor until .*Last done/s,
      );
    },
    LIMIT,
  );

  test(
    "the runbook is edited: people are asked again, once, and the second night asks at its hour",
    async () => {
      const isNew = newFrom(harness);
      await edit("runbooks/search-nightly.yml", (text) =>
        text.replace("title: Take a snapshot\n", "title: Take one\n"),
      );
      await asksSam(isNew, /The last approval ended: what it runs is no longer the plan that was approved/);
      await night();
      const card = await harness.workspace
        .as("USAM")
        .waitForMessage((m) => isNew(m) && !m.channel.startsWith("D") && /needs approval by/.test(m.text), 30_000);
      expect(card.text).toMatch(/Back up the search index needs approval by Incident commander \(<@USAM>\)/);
      const { run } = await harness.lastRun();
      expect([run.ahead, await count("occasion.approvalEnded")]).toEqual([undefined, 1]);
      await harness.endOpenRuns();
    },
    LIMIT,
  );

  test(
    "who approved it loses the role: it holds no more",
    async () => {
      await approves();
      await edit("system.yml", (text) =>
        text.replace("slack: [USAM]\n    roles: [incident-commander]", "slack: [USAM]\n    roles: [responder]"),
      );
      await until(async () => (await count("occasion.approvalEnded")) === 2, 30);
      expect((await recorded()).findLast(({ type }) => type === "occasion.approvalEnded")?.data).toMatchObject({
        reason: "Sam Okafor no longer decides as Incident commander",
      });
    },
    LIMIT,
  );
});
