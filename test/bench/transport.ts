import type { Workspace } from "../../practice/slack/workspace.ts";
import { cards } from "../../src/actions/index.ts";
import type { Catalog, System } from "../../src/catalog/types.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { createOutbox } from "../../src/projection/outbox.ts";
import { createSlack, type Slack } from "../../src/slack/index.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createTally } from "../../src/timeline/tally.ts";
import { SYSTEM } from "../support/incident-scenario.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet, until } from "../support/postgres.ts";
import { configFor } from "../support/slack-harness.ts";
import type { Around } from "./around.ts";

const users: Readonly<Record<string, string>> = { ana: "UALEX", bo: "USAM", cy: "UVERA" };

/** The shop of `test/support/incident-scenario.ts`, staffed with people of the practice workspace. */
export const staffed: System = {
  ...SYSTEM,
  environment: "practice",
  people: SYSTEM.people.map((one) => ({ ...one, slack: [users[one.id] ?? []].flat() })),
};

/** The bot's Slack side in this process, on a store of ours. */
export async function openTransport(around: Around, workspace: Workspace, store: Store): Promise<Slack> {
  const outbox = createOutbox(store.pool);
  const catalog: Catalog = { systems: [staffed], runbooks: [] };
  const app = {
    catalog,
    cards,
    variables: new Map(),
    timeline: store.timeline,
    incidents: incidentsOn(store),
    log: quiet,
    practice: true,
    channelOf: (incident: string) => outbox.placeOf(incident),
    incidentAt: async (channel: string) => (await outbox.streamAt(channel))?.stream ?? null,
    tally: createTally(store.pool),
    comms: { templates: { for: () => [] }, reach: { email: false, statuspage: false }, pageLink: null },
  } as unknown as CommandContext;
  const { timeline, inbox } = store;
  const slack = createSlack({
    redact: (text) => text,
    config: { ...configFor(workspace), slackUnavailable: "roster" },
    context: app,
    timeline,
    inbox,
    outbox,
    log: quiet,
  });
  around.later(() => slack.stop());
  slack.start();
  await until(() => slack.ready());
  return slack;
}
