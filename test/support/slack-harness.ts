import { readLine } from "../../commands/index.ts";
import { createWorkspace, type Workspace } from "../../practice/slack/workspace.ts";
import type { Catalog, System } from "../../src/catalog/types.ts";
import type { FormErrors, Reply, Request, SentForm } from "../../src/command/command.ts";
import { redactor } from "../../src/lib/redact.ts";
import { createOutbox, type Outbox } from "../../src/projection/outbox.ts";
import type { Slack, SlackConfig } from "../../src/slack/index.ts";
import { openSlack, type SlackTransportOptions } from "../../src/slack/open.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createTally } from "../../src/timeline/tally.ts";
import type { ShownMessage, View } from "../../templates/messages/kit/view.ts";
import { incidentsOn } from "./incidents-on.ts";
import { orders } from "./orders-system.ts";
import { quiet, storeOn, type TestServer, until } from "./postgres.ts";

/** The people of the practice workspace, on the roster of a small shop. */
/** A secret this bot knows. */
export const PASTED = "of-Orders-7Kq2!vB";

export const shop: System = {
  ...orders,
  people: [
    { id: "alex", name: "Alex Rivera", slack: ["UALEX"], roles: ["dba"] },
    { id: "sam", name: "Sam Okafor", slack: ["USAM"], roles: ["incident-commander"] },
    { id: "vera", name: "Vera Lindqvist", slack: ["UVERA"], roles: ["vp-engineering"] },
    { id: "dee", name: "Dee Park", slack: ["UDEE"], roles: ["dba"] },
    { id: "gil", name: "Gil Hart", slack: ["UGIL"], roles: ["dba"] },
    { id: "terminal", name: "Tess Terminal", slack: [], roles: ["dba"] },
  ],
};
export const catalog: Catalog = { systems: [shop], runbooks: [] };

/** What the incidents of a bench look like, whatever has happened in them: tests of the publisher say it outright. */
export interface ShownScene {
  channel: View["channel"];
  messages: ShownMessage[];
}

export interface SlackHarness {
  readonly workspace: Workspace;
  readonly store: Store;
  readonly outbox: Outbox;
  readonly slack: Slack;
  readonly shop: System;
  readonly scenes: Map<string, ShownScene>;
  /** What reached the commands. */
  readonly asked: Request[];
  /** What they answer; a test may put its own here. */
  reply: (request: Request) => Promise<Reply> | Reply;
  /** What is wrong in a form before it closes; a test may put its own here. */
  checkForm: (sent: SentForm, required: readonly string[]) => FormErrors;
  /** Another process with the same store and workspace. */
  sibling(config?: Partial<SlackConfig>): Promise<Slack>;
  declare(incident: string, typedIn?: string): Promise<void>;
  /** Something happens, so that the scene is drawn again. */
  happen(incident: string): Promise<void>;
  show(incident: string, scene: Partial<ShownScene>): Promise<void>;
  close(): Promise<void>;
}

export interface SlackHarnessOptions {
  readonly config?: Partial<SlackConfig>;
  readonly workspace?: Workspace;
  readonly transport?: Partial<SlackTransportOptions>;
  readonly start?: boolean;
}

export function message(key: string, text: string, more: Partial<ShownMessage> = {}): ShownMessage {
  return { key, in: "incident", under: null, priority: 1, message: { text, blocks: [] }, ...more };
}

export function configFor(workspace: Workspace): SlackConfig {
  const { SLACK_API_URL, SLACK_BOT_TOKEN, SLACK_APP_TOKEN } = workspace.environment();
  return {
    botToken: SLACK_BOT_TOKEN,
    transport: { kind: "socket", appToken: SLACK_APP_TOKEN },
    apiUrl: SLACK_API_URL,
    announceIn: "CINCIDENT",
    allowed: [],
    appId: null,
    slackUnavailable: "roster",
    membershipSeconds: 900,
  };
}

export async function openSlackHarness(server: TestServer, options: SlackHarnessOptions = {}): Promise<SlackHarness> {
  const workspace = options.workspace ?? (await createWorkspace({ manifestFile: "manifest.yml" }));
  const url = await server.database();
  const store = await storeOn(url);
  const outbox = createOutbox(store.pool);
  const scenes = new Map<string, ShownScene>();
  const asked: Request[] = [];
  const servers: { slack: Slack; store: Store }[] = [];
  let serial = 0;

  const open = (on: Store, config: Partial<SlackConfig> = {}): Slack => {
    const own = createOutbox(on.pool);
    const slack = openSlack({
      redact: redactor([PASTED]),
      config: { ...configFor(workspace), ...options.config, ...config },
      context: {
        catalog,
        cards: new Map(),
        variables: new Map(),
        timeline: on.timeline,
        incidents: incidentsOn(on),
        log: quiet,
        practice: true,
        channelOf: (incident) => own.placeOf(incident),
        incidentAt: async (channel) => (await own.streamAt(channel))?.stream ?? null,
        tally: createTally(on.pool),
        comms: { templates: { for: () => [] }, reach: { email: false, statuspage: false }, pageLink: null },
      },
      timeline: on.timeline,
      inbox: on.inbox,
      outbox: own,
      log: quiet,
      readLine,
      checkForm: (sent, required) => harness.checkForm(sent, required),
      answer: async (request) => {
        asked.push(request);
        return harness.reply(request);
      },
      draw: (state) => ({ redrawAt: null, channel: null, messages: [], ...scenes.get(state.id) }),
      renderNotices: () => [],
      drawCalendar: () => [],
      drawReadiness: () => [],
      drawHome: ({ slackUser, incidents }) => [
        {
          type: "section",
          text: {
            type: "mrkdwn",
            text: `${slackUser}: ${incidents.map(({ state }) => state.id).join(", ") || "nothing"}`,
          },
        },
      ],
      ...options.transport,
    });
    servers.push({ slack, store: on });
    return slack;
  };
  const alex = { kind: "person", person: "alex", slackUser: "UALEX", name: "Alex Rivera", door: "slack" } as const;
  const append = (incident: string, type: string, data: unknown) =>
    store.timeline.decide(incident, () => ({
      events: [{ type, data, actor: alex, key: `${type}-${++serial}` }],
      value: null,
    }));

  const harness: SlackHarness = {
    workspace,
    store,
    outbox,
    slack: open(store),
    shop,
    scenes,
    asked,
    reply: ({ verb }) => ({ kind: "private", message: { text: `You asked: ${verb}`, blocks: [] } }),
    checkForm: () => ({}),
    async sibling(config) {
      const slack = open(await storeOn(url), config);
      slack.start();
      await until(() => slack.ready());
      return slack;
    },
    async declare(incident, typedIn) {
      await append(incident, "incident.declared", {
        title: "Orders are failing",
        system: "orders",
        severity: "P1",
        kind: "real",
        impactStartedAt: null,
        announceIn: typedIn ?? null,
      });
    },
    async happen(incident) {
      await append(incident, "incident.noted", { text: "something", happenedAt: null, link: null });
    },
    async show(incident, scene) {
      scenes.set(incident, { channel: null, messages: [], ...scenes.get(incident), ...scene });
      await harness.happen(incident);
    },
    async close() {
      await Promise.all(servers.map(({ slack }) => slack.stop()));
      await Promise.all(servers.map(({ store: one }) => one.close()));
      if (options.workspace === undefined) await workspace.close();
    },
  };
  if (options.start !== false) {
    harness.slack.start();
    await until(() => harness.slack.ready());
  }
  return harness;
}

/** Words the bot said in a channel, threads included, oldest first. */
export function said(workspace: Workspace, channel: string): string[] {
  const isSaid = (subtype: string | undefined) => subtype === undefined || subtype === "thread_broadcast";
  return workspace
    .snapshot()
    .messages.filter((one) => one.channel === channel && one.user === "ULIFEBOAT" && isSaid(one.subtype))
    .map((one) => one.text);
}

export function calls(workspace: Workspace, method: string) {
  return workspace.inspected.filter((entry) => entry.kind === "call" && entry.name === method);
}

export { until };
