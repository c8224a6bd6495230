import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { playScenario } from "../../practice/session/scenario.ts";
import type { Message } from "../../practice/slack/index.ts";
import { AGAIN } from "./approval-requests.ts";
import { logStatements, openPracticeHarness, type PracticeHarness } from "./harness.ts";

let harness: PracticeHarness;

beforeAll(async () => {
  harness = await openPracticeHarness();
}, 120_000);
afterAll(() => harness?.stop(), 60_000);

/** Tells the story from a healthy environment, in channels of its own. */
async function tell(options: { unplanned?: boolean } = {}) {
  const postmortem = await playScenario(harness, {
    words: "failover database",
    unplanned: options.unplanned ?? false,
    seconds: 90,
  });
  return { postmortem, ...(await harness.lastRun()) };
}

/** What Slack writes by itself: who joined, what the topic is now, what was pinned. */
function systemLines(messages: readonly Message[]): string[] {
  return messages.flatMap(({ subtype }) => (subtype === undefined || subtype === "thread_broadcast" ? [] : [subtype]));
}

describe("a failover, told from the first word to the post-mortem", () => {
  beforeEach(async () => {
    await harness.environment.heal();
    await logStatements(harness);
  }, 120_000);
  afterEach(() => harness.endOpenRuns(), 60_000);

  test("planned: nothing acknowledged is lost, one promotion, everything on one whole timeline", async () => {
    const before = new Set(harness.workspace.snapshot().messages.map(({ ts }) => ts));
    const { postmortem, run, events } = await tell();
    expect(run.status).toBe("verified");
    const told = harness.workspace
      .snapshot()
      .messages.filter(({ ts, channel }) => !before.has(ts) && channel === "CINCIDENT");
    expect(told.filter(({ files }) => !files?.length).length).toBeLessThanOrEqual(6);
    expect(systemLines(told)).toEqual([]);
    expect(postmortem).toMatch(/^postmortem-(?:inc|maint)-.*\.md$/);
    expect(await harness.environment.ledger()).toMatchObject({ lost: 0 });
    expect(await harness.promotions("orders-b")).toBe(1);
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
    expect(await harness.store.timeline.verify()).toMatchObject({ ok: true });
  }, 180_000);

  test("unplanned, with writes the standby never got: the loss reported is the loss the application counts", async () => {
    await harness.environment.injectFault("stall-and-kill-primary");
    const alex = harness.workspace.as("UALEX");
    const sam = harness.workspace.as("USAM");
    const channelsBefore = new Set(harness.workspace.snapshot().channels.map(({ id }) => id));
    await alex.slash(`/dr failover database --unplanned${AGAIN}`);
    const isNew = ({ channel }: { channel: string }) => !channelsBefore.has(channel);
    const gate = await sam.waitForMessage(
      (m) => isNew(m) && JSON.stringify(m.blocks ?? "").includes('"gate.approve'),
      60_000,
    );
    await sam.click(gate, "gate.approve", { confirm: true });
    const end = await sam.waitForMessage((m) => isNew(m) && /is done and verified/.test(m.text), 90_000);
    const counted = await harness.environment.ledger();
    const { run } = await harness.lastRun();
    const reported = [...run.steps.values()].flatMap((s) =>
      s.status === "done" && s.rpo?.rows != null ? [s.rpo.rows] : [],
    );
    expect(counted.lost).toBeGreaterThan(0);
    expect(reported).toEqual([counted.lost]);
    expect(end.text).toContain(`(${counted.lost} rows)`);
    // The channel's creation is four lines: the bot, who declared, the topic, the pinned card. Two more may follow.
    const lines = systemLines(harness.workspace.snapshot().messages.filter(({ channel }) => channel === end.channel));
    expect(lines.filter((subtype) => subtype === "channel_topic")).toHaveLength(1);
    expect(lines.length).toBeLessThanOrEqual(4 + 2);

    // The power comes back on the old primary, and it takes writes as if nothing had happened. The bot has begun again.
    await harness.bot.stop();
    await harness.bot.start();
    await harness.environment.injectFault("restart-primary");
    const split = await sam.waitForMessage((m) => isNew(m) && /SPLIT BRAIN after/.test(m.text), 20_000);
    expect(split.text).toMatch(/orders-a, the old primary, is back and takes writes, and so does orders-b/);
    expect(split.text).toContain("Stop orders-a or fence it now");
    expect(split.thread_ts).toBe(end.thread_ts);
    const ringing = () => harness.pager.incidents.some(({ title }) => title.includes("SPLIT BRAIN in Practice orders"));
    for (const until = Date.now() + 20_000; !ringing(); await new Promise((later) => setTimeout(later, 100)))
      if (Date.now() > until) throw new Error("Nobody was paged.");
    await harness.environment.nodes[0].kill();
    await sam.waitForMessage((m) => isNew(m) && /SPLIT BRAIN after.*Resolved at/.test(m.text), 20_000);
    const { events } = await harness.lastRun();
    const said = events.map(({ type }) => type).filter((type) => type.startsWith("split-brain."));
    expect(said).toEqual(["split-brain.seen", "split-brain.over"]);
  }, 240_000);
});
