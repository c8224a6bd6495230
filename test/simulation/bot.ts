import { join } from "node:path";
import { cardOf } from "../../src/actions/index.ts";
import { withDeadlines } from "../../src/actions/wrap/deadline.ts";
import { conformanceOf } from "../../src/catalog/conformance.ts";
import { systemsById } from "../../src/catalog/live.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { reportFindings } from "../../src/catalog/report.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { loadTemplates } from "../../src/comms/load.ts";
import { createCommsWorker } from "../../src/comms/worker.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createResponseMonitor } from "../../src/engine/response-monitor.ts";
import { createSplitBrainMonitor } from "../../src/engine/split-brain-monitor.ts";
import { createTriageProber } from "../../src/engine/triage-prober.ts";
import { createIncidents } from "../../src/incidents/index.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createSlack } from "../../src/slack/index.ts";
import { openKeyring } from "../../src/timeline/keys.ts";
import type { MemoryDatabase } from "../support/memory-store/database.ts";
import type { Link } from "../support/memory-store/link.ts";
import { openMemoryStore } from "../support/memory-store/store.ts";
import { testKeys } from "../support/record-keys.ts";
import { HttpFront, SIGNING_SECRET } from "./http-front.ts";
import { actionsOn, type World } from "./world.ts";

export const log = createLog(process.env.SIMULATE_LOG ?? "silent");
export const keyring = openKeyring(testKeys);
let world: World | null = null;

/** From here on actions touch this world. */
export function worldIs(next: World): void {
  world = next;
}

const bare = actionsOn(() => world as World);
export const actions = new Map([...bare].map(([id, action]) => [id, withDeadlines(action)]));
export const cards = new Map([...bare].map(([id, action]) => [id, cardOf(action)]));
const loaded = loadCatalog(join(projectRoot(), "test/simulation/catalogue"), cards);
const errors = loaded.problems.filter(({ level }) => level === "error");
if (errors.length > 0) throw new Error(reportFindings(errors));
export const { catalog } = loaded;
export const templates = loadTemplates(join(projectRoot(), "test/simulation/catalogue")).templates;

/** Starts a whole bot in the process that is current: from what Slack delivers to what Slack shows. */
export function startBot(database: MemoryDatabase, link: Link): HttpFront {
  const store = openMemoryStore({ database, link, keyring, log });
  const { timeline, leases, inbox, outbox, deliveries, schedule, tally } = store;
  const incidents = createIncidents({
    timeline,
    channels: {
      channelsOf: (ids) => outbox.placesOf(ids),
      incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
    },
    log,
  });
  const context: CommandContext = {
    ...{ catalog, cards, variables: new Map(), timeline, incidents, log, practice: true, tally },
    channelOf: (incident) => outbox.placeOf(incident),
    announceIn: "CHOUSE",
    incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
    deliveries,
    comms: { templates, reach: { email: false, statuspage: false }, pageLink: null },
  };
  const http = new HttpFront();
  const slack = createSlack({
    redact: (text) => text,
    config: {
      ...{ botToken: "xoxb-practice-simulation", apiUrl: "http://slack.sim/api/", announceIn: "CHOUSE", allowed: [] },
      transport: { kind: "http", signingSecrets: [SIGNING_SECRET], port: 1, host: "127.0.0.1" },
      ...{ appId: null, slackUnavailable: "roster", membershipSeconds: 900, rate: 20 },
    },
    ...{ context, timeline, inbox, outbox, log, http },
  });
  const secret = () => "";
  const drillLimits = () => null;
  const around = { timeline, incidents, actions, secret, drillLimits, practice: true, log };
  createEngine({
    ...around,
    leases,
    systems: systemsById(catalog),
    accountStatus: slack.accountStatus,
    conformance: (plan, origin) => conformanceOf(plan, context, origin),
  }).start();
  slack.start();
  createCommsWorker({
    ...{ timeline, incidents, deliveries, schedule, systems: () => catalog.systems, sinks: [], practice: true, log },
    page: { port: null, show: async () => {}, close: async () => {} },
  }).start();
  createSplitBrainMonitor({ ...around, everySeconds: 5 }).start();
  createTriageProber({ ...around, catalog, cards, variables: () => new Map() }).start();
  createResponseMonitor({ timeline, incidents, systems: () => catalog.systems, log }).start();
  return http;
}
