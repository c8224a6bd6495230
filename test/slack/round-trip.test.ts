import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createWorkspace, type Workspace } from "../../practice/slack/workspace.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { createOutbox } from "../../src/projection/outbox.ts";
import { createSlack, type Slack } from "../../src/slack/index.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createTally } from "../../src/timeline/tally.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet, storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { configFor, shop, until } from "../support/slack-harness.ts";

/** The real commands and the real desired states over the real door: a person says something is wrong, and it is taken up. */
let server: TestServer;
let workspace: Workspace;
let store: Store;
let slack: Slack;

beforeAll(async () => {
  server = await testServer();
  workspace = await createWorkspace({ manifestFile: "manifest.yml" });
  store = await storeOn(await server.database());
  const outbox = createOutbox(store.pool);
  const app: CommandContext = {
    catalog: { systems: [{ ...shop, environment: "practice" }], runbooks: [] },
    cards: new Map(),
    variables: new Map(),
    timeline: store.timeline,
    incidents: incidentsOn(store),
    log: quiet,
    practice: true,
    channelOf: (incident) => outbox.placeOf(incident),
    incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
    tally: createTally(store.pool),
    comms: { templates: { for: () => [] }, reach: { email: false, statuspage: false }, pageLink: null },
  };
  slack = createSlack({
    redact: (text) => text,
    config: configFor(workspace),
    context: app,
    timeline: store.timeline,
    inbox: store.inbox,
    outbox,
    log: quiet,
  });
  slack.start();
  await until(() => slack.ready());
});
afterAll(async () => {
  await slack.stop();
  await store.close();
  await workspace.close();
  await server.close();
});

test("an incident is declared in a form, gets its channel and card, and a note typed there lands on its timeline", async () => {
  const alex = workspace.as("UALEX");
  await alex.slash("/dr declare");
  const form = await alex.waitForView();
  await alex.submit(form, { title: "Checkout answers <!channel> with 500" });
  await alex.waitForNoView();
  const [{ id: incident } = { id: "" }] = await untilSome(() => store.timeline.streams("inc-"));
  await until(async () => (await slack.channelOf(incident)) !== null);
  const channel = (await slack.channelOf(incident)) as string;
  const card = await alex.waitForMessage((one) => one.channel === channel && one.user === "ULIFEBOAT" && !one.subtype);
  expect(card.text).toContain("Checkout answers");
  expect(JSON.stringify(workspace.snapshot().messages)).not.toContain("<!channel>");
  await until(() =>
    workspace.snapshot().messages.some((one) => one.channel === "CINCIDENT" && one.text.includes("Checkout answers")),
  );

  await alex.slash("/dr note The primary does not answer", channel);
  await until(async () => (await store.timeline.read(incident)).some(({ type }) => type === "incident.noted"));
  const refused = workspace.as("UGIL");
  await refused.slash("/dr note I am a guest", channel);
  const told = await refused.waitForMessage(({ only }) => only === "UGIL");
  expect(told.text).toContain("Guests can't use Lifeboat");

  const home = await alex.openHome();
  expect(JSON.stringify(home.blocks)).toContain("Checkout answers");
});

async function untilSome<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let found: readonly T[] = [];
  await until(async () => {
    found = await look();
    return found.length > 0;
  });
  return found;
}
