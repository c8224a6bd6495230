import { answer, readLine } from "../../commands/index.ts";
import { conformanceOf } from "../../src/catalog/conformance.ts";
import { systemsById } from "../../src/catalog/live.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { AccountStatus } from "../../src/engine/ports.ts";
import { createIncidents } from "../../src/incidents/index.ts";
import type { MemoryDatabase } from "../support/memory-store/database.ts";
import type { Link } from "../support/memory-store/link.ts";
import { openMemoryStore } from "../support/memory-store/store.ts";
import type { Random } from "../support/random.ts";
import { actions, cards, catalog, keyring, log, templates } from "./bot.ts";
import type { Answered, Choice, Doing } from "./doing.ts";
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
}

/** What a bot is without Slack: commands, what is decided, the store and the engine. Nothing is drawn. */
export interface Core {
  hear(doing: Doing, mark: string, answered: (answer: Answered) => void): void;
}

/** Starts one in the process that is current. */
export function startCore(parts: CoreParts): Core {
  const { database, link, users, time, process } = parts;
  const { timeline: bare, leases, tally, deliveries } = openMemoryStore({ database, link, keyring, log });
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
    comms: { templates, reach: { email: false, statuspage: false }, pageLink: null },
  };
  createEngine({
    ...{ timeline, leases, actions, secret: () => "", drillLimits: () => null, practice: true, log },
    systems: systemsById(catalog),
    accountStatus: accountsOf(parts),
    conformance: (plan, origin) => conformanceOf(plan, context, origin),
  }).start();
  return {
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
        const request = { ...readLine(text), caller, key: mark, place, form: null, actionValue: null };
        void answer(context, { ...request, canAskForm: false }).then(
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
    choices: () => [...database.streams.values()].flatMap(({ id, events }) => openIn(id, events)),
    rooms: () => [...database.streams.keys()].filter((id) => id.startsWith("inc-")).map((id) => `${ROOM}${id}`),
    send: (doing, mark) => () => deliver(mark, doing),
  };
}

interface Row {
  readonly type: string;
  readonly run: string | null;
  readonly data: string;
}

function openIn(stream: string, events: readonly Row[]): readonly Choice[] {
  const open = new Map<string, Choice>();
  for (const { type, run, data } of events) {
    if (type === "gate.opened") {
      const { ask } = JSON.parse(data) as { ask: string };
      const value = `${stream} approve ${run} ${ask}`;
      open.set(ask, { action: "gate.approve", value, block: "", message: null });
    } else if (/^gate\.(?:passed|denied|expired|voided)$/.test(type))
      open.delete((JSON.parse(data) as { ask: string }).ask);
    else if (/^run\.(?:verified|aborted|failed)$/.test(type))
      for (const [ask, { value }] of open) if (value.includes(` ${run} `)) open.delete(ask);
  }
  return [...open.values()];
}
