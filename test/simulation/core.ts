import { answer, readLine } from "../../commands/index.ts";
import { lookByPlanning } from "../../src/alerts/look.ts";
import { noticeOf } from "../../src/alerts/notice.ts";
import { createProposals } from "../../src/alerts/proposals.ts";
import { ALERTS } from "../../src/alerts/routes.ts";
import { createAlertWorker } from "../../src/alerts/worker.ts";
import { conformanceOf } from "../../src/catalog/conformance.ts";
import { systemsById } from "../../src/catalog/live.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { createCommsWorker } from "../../src/comms/worker.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { AccountStatus } from "../../src/engine/ports.ts";
import { createResponseMonitor } from "../../src/engine/response-monitor.ts";
import { createSplitBrainMonitor } from "../../src/engine/split-brain-monitor.ts";
import { createTriageProber } from "../../src/engine/triage-prober.ts";
import { createIncidents } from "../../src/incidents/index.ts";
import type { MemoryDatabase } from "../support/memory-store/database.ts";
import type { Link } from "../support/memory-store/link.ts";
import { openMemoryStore } from "../support/memory-store/store.ts";
import type { Random } from "../support/random.ts";
import { actions, cards, catalog, keyring, log, templates } from "./bot.ts";
import type { Answered, Doing } from "./doing.ts";
import { openingsIn } from "./openings.ts";
import type { MailServer, Statement } from "./outside.ts";
import type { Ways } from "./people.ts";
import type { SlackUser } from "./slack-server.ts";
import type { Process, VirtualTime } from "./time.ts";
import type { Writes } from "./writes.ts";

export interface CoreParts {
  readonly database: MemoryDatabase;
  readonly link: Link;
  readonly users: ReadonlyMap<string, SlackUser>;
  readonly time: VirtualTime;
  readonly process: Process;
  readonly random: Random;
  readonly writes: Writes;
  /** Share of look-ups of accounts that are answered late or never. */
  readonly trouble: () => number;
  readonly mail: MailServer;
  /** Beside the engine, what looks by itself: response, triage, split brain, cadence. It takes time, so not every run has it. */
  readonly hasMonitors: boolean;
}

/** What a bot is without Slack: commands, what is decided, the store and the engine. Nothing is drawn. */
export interface Core {
  hear(doing: Doing, mark: string, answered: (answer: Answered) => void): void;
  /** Monitoring says how it stands with an alert. */
  told(statement: Statement, kept: () => void): void;
}

/** Starts one in the process that is current. */
export function startCore(parts: CoreParts): Core {
  const { database, link, users, time, process } = parts;
  const {
    timeline: bare,
    leases,
    inbox,
    tally,
    deliveries,
    schedule,
  } = openMemoryStore({ database, link, keyring, log });
  const timeline = parts.writes.noting(bare);
  const incidentAt = async (room: string) => (room.startsWith(ROOM) ? room.slice(ROOM.length) : null);
  const channelOf = async (incident: string) => `${ROOM}${incident}`;
  const incidents = createIncidents({
    timeline,
    channels: {
      channelsOf: async (ids) => new Map(ids.map((id) => [id, `${ROOM}${id}`])),
      incidentAt,
    },
    log,
  });
  const context: CommandContext = {
    ...{ catalog, cards, variables: new Map(), timeline, incidents, log, practice: true, tally },
    ...{ channelOf, announceIn: "CHOUSE", incidentAt, deliveries },
    comms: { templates, reach: { email: true, statuspage: false }, pageLink: null },
  };
  const around = { timeline, incidents, actions, secret: () => "", drillLimits: () => null, practice: true, log };
  const systems = () => catalog.systems;
  if (parts.hasMonitors) {
    createResponseMonitor({ timeline, incidents, systems, log }).start();
    createTriageProber({ ...around, catalog, cards, variables: () => new Map() }).start();
    createSplitBrainMonitor({ ...around, everySeconds: 5 }).start();
    createCommsWorker({
      ...{ timeline, incidents, deliveries, schedule, systems, practice: true, log },
      sinks: [parts.mail.sinkOf(process, parts.random)],
      page: { port: null, show: async () => {}, close: async () => {} },
      rules: { archiveAfterSeconds: 10 },
    }).start();
    createProposals({
      timeline,
      incidents,
      look: lookByPlanning({ catalog, cards, variables: new Map() }),
      log,
    }).start();
  }
  const books = () => catalog.runbooks;
  const hearing = { timeline, incidents, inbox, tally, systems, books };
  const alerts = createAlertWorker({ inbox, hearing, confirm: async () => {}, log });
  if (parts.hasMonitors) alerts.start();
  createEngine({
    ...{ timeline, leases, actions, secret: () => "", drillLimits: () => null, practice: true, log },
    systems: systemsById(catalog),
    accountStatus: accountsOf(parts),
    conformance: (plan, origin) => conformanceOf(plan, context, origin),
  }).start();
  return {
    told({ name, instance, isFiring, mark }, kept) {
      time.after(5, process, () => {
        const labels = { system: "shop", instance };
        const status = isFiring ? "firing" : "resolved";
        const said = { name, status, labels, summary: null, startedAt: null, link: null } as const;
        const notices = [noticeOf("alertmanager", said, timeline.now())];
        void inbox.receive(`alerts/${mark}`, ALERTS, { notices }).then(
          () => {
            kept();
            alerts.now();
          },
          () => {},
        );
      });
    },
    hear(doing, mark, answered) {
      time.after(5, process, () => {
        const { text, room } = lineOf(doing);
        const { user } = doing;
        const person = catalog.systems[0]?.people.find(({ slack }) => slack.includes(user)) ?? null;
        const account = users.get(user);
        const caller = {
          ...{ transport: "slack" as const, slackUser: user, person: person?.id ?? null, name: person?.name ?? user },
          blocked: account === undefined || account.deleted || account.guest ? "The account may do nothing." : null,
        };
        const place = { channel: room, thread: null };
        const { form = null, actionValue = null, opensForm = false } = doing.does === "presses" ? doing.choice : {};
        const request = { ...readLine(text), caller, key: mark, place, form, actionValue };
        void answer(context, { ...request, canAskForm: opensForm }).then(
          (reply) => answered({ status: 200, body: reply.kind === "private" ? reply.message.text : reply.kind }),
          (error) => answered({ status: 500, body: String(error) }),
        );
      });
    },
  };
}

const ROOM = "C:";

function lineOf(doing: Doing): { readonly text: string; readonly room: string } {
  if (doing.does === "types") return doing;
  const [incident = "", ...line] = doing.choice.value.split(" ");
  return { text: line.join(" "), room: `${ROOM}${incident}` };
}

/** Slack's word on accounts, as the engine asks for it: late, or never, as Slack is. */
function accountsOf({ users, time, process, random, trouble }: CoreParts): AccountStatus {
  return {
    check(system, id) {
      if (!process.sends()) return new Promise(() => {});
      const slack = system.people.find((person) => person.id === id)?.slack[0] ?? "";
      return new Promise((resolve) => {
        if (random.chance(trouble())) return;
        time.after(random.between(10, 60), null, () => {
          const why = users.get(slack)?.deleted === false ? null : "deactivated";
          time.after(random.between(10, 60), process, () => resolve(why));
        });
      });
    },
  };
}

/** People who see what is open in the rows of the store, and whose words reach a process directly. */
export function coreWays(database: MemoryDatabase, deliver: (mark: string, doing: Doing) => void): Ways {
  return {
    choices: () => [...database.streams.values()].flatMap(({ id, events }) => openingsIn(id, events)),
    rooms: () => [...database.streams.keys()].filter((id) => id.startsWith("inc-")).map((id) => `${ROOM}${id}`),
    send: (doing, mark) => () => deliver(mark, doing),
  };
}
