import { join } from "node:path";
import { answer, readLine } from "../../commands/index.ts";
import { cards } from "../../src/actions/index.ts";
import { calendarDue } from "../../src/calendar/due.ts";
import { calendarStream } from "../../src/calendar/events.ts";
import { type CalendarState, foldCalendar } from "../../src/calendar/state.ts";
import { takenPlace } from "../../src/calendar/taken.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import type { Reply, Request } from "../../src/command/command.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { loadTemplates } from "../../src/comms/load.ts";
import type { Event, NewEvent } from "../../src/incident/events.ts";
import { fold } from "../../src/incident/evolve.ts";
import { openGate } from "../../src/incident/gates.ts";
import { type Channels, createIncidents } from "../../src/incidents/index.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { EventToAppend } from "../../src/timeline/contract.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createTally } from "../../src/timeline/tally.ts";
import { quiet } from "./postgres.ts";
import { printBlocks } from "./print-blocks.ts";

const values = {
  aPort: 5501,
  bPort: 5502,
  appUrl: "http://127.0.0.1:5503",
  hostsUrl: "http://127.0.0.1:5504",
};

/** Ways to ask other than typing. */
export interface How {
  readonly channel?: string;
  readonly key?: string;
  readonly form?: Readonly<Record<string, string>>;
  /** A button or form: what it carried. */
  readonly actionValue?: string;
  readonly verb?: string;
  readonly canAskForm?: boolean;
  readonly blocked?: string;
  /** What was filled in differs from one run of the tests to the next. */
  readonly hidden?: boolean;
}

/** A house on a real store, with the practice catalogue, in which people type and press. Everything said is kept. */
export class TestApp {
  readonly context: CommandContext;
  readonly channels = new Map<string, string>();
  /** What is seen of the members of any target. */
  seen: ReadonlyMap<string, RoleObservation> = new Map<string, RoleObservation>([
    ["orders-a", { state: "active", cluster: "7", says: "orders-a takes writes" }],
    ["orders-b", { state: "standby", cluster: "7", streaming: true, says: "orders-b is a standby" }],
  ]);
  /** The same in the drill environment; null: as in production. */
  seenInDrill: ReadonlyMap<string, RoleObservation> | null = null;
  /** How often members were looked at. */
  looks = 0;
  readonly #store: Store;
  #script = "";
  #asked = 0;

  constructor(store: Store, system = "practice", given: Readonly<Record<string, string | number>> = values) {
    this.#store = store;
    const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems", system), cards);
    this.context = {
      catalog,
      cards,
      variables: new Map([[system, new Map(Object.entries(given))]]),
      lookAt: async (targets, drill) => {
        this.looks++;
        return new Map(targets.map(({ target }) => [target, (drill && this.seenInDrill) || this.seen]));
      },
      timeline: store.timeline,
      incidents: createIncidents({ timeline: store.timeline, channels: this.#places(), log: quiet }),
      log: quiet,
      practice: true,
      channelOf: async (incident) => this.channels.get(incident) ?? null,
      incidentAt: this.#places().incidentAt,
      tally: createTally(store.pool),
      comms: {
        templates: loadTemplates(join(projectRoot(), "templates", "systems")).templates,
        reach: { email: true, statuspage: true },
        pageLink: "https://status.orders.example",
      },
    };
  }

  /** What this person gets for `/dr <line>`. */
  async ask(person: string, line: string, how: How = {}): Promise<Reply> {
    this.#asked++;
    const typed = readLine(line);
    const request: Request = {
      ...typed,
      ...(how.verb && { verb: how.verb }),
      caller: this.#caller(person, how.blocked ?? null),
      key: how.key ?? `key-${this.#asked}`,
      place: { channel: how.channel ?? "C0INCIDENTS", thread: null },
      form: how.form ?? null,
      actionValue: how.actionValue ?? null,
      canAskForm: how.canAskForm ?? false,
    };
    const reply = await answer(this.context, request);
    const asked = how.verb
      ? `[${how.verb} ${how.actionValue ?? ""}]${how.form ? ` ${how.hidden ? Object.keys(how.form).join(", ") : JSON.stringify(how.form)}` : ""}`
      : `/dr ${line}`;
    this.#script += `> ${person}: ${asked}\n${print(reply)}\n`;
    return reply;
  }

  press(person: string, verb: string, actionValue: string, how: How = {}): Promise<Reply> {
    return this.ask(person, "", { ...how, verb, actionValue });
  }

  /** What the engine would record about a run. */
  async engine(run: string, event: Event): Promise<void> {
    const stream = (await this.#store.timeline.streamOfRun(run)) ?? "";
    const key = `engine-${++this.#asked}`;
    const ended = event.type === "run.verified" || event.type === "run.failed" ? [run] : [];
    await this.#append(stream, { ...event, key, run, actor: { kind: "bot" } } as NewEvent, ended);
  }

  async open(run: string, step: string, ask: string): Promise<void> {
    const stream = (await this.#store.timeline.streamOfRun(run)) ?? "";
    const state = await this.context.incidents.read(stream);
    const [system] = this.context.catalog.systems;
    const found = state.runs.get(run);
    if (!found || !system) throw new Error(`There is no run ${run}.`);
    await this.#append(stream, openGate(found, step, { ask, now: this.#store.timeline.now(), key: ask, system }));
  }

  async state(incident: string) {
    const events = await this.#store.timeline.read(incident);
    return { events, state: fold(incident, events, await this.context.incidents.plansOf(events)) };
  }

  /** What the calendars record now: what is due, and what the runs were for them. */
  async calendarLooks(): Promise<void> {
    const { timeline, incidents, catalog } = this.context;
    for (const system of catalog.systems) {
      const record = (due: (state: CalendarState) => readonly EventToAppend[]) =>
        this.#store.timeline.decide(calendarStream(system.id), (events) => {
          return { events: due(foldCalendar(events)), value: null };
        });
      await record((state) => calendarDue(system, state, timeline.now()).events);
      for await (const incident of incidents.all()) await record((state) => takenPlace(system, state, incident));
    }
  }

  /** From now on the store's clock says this to the one who asks for the time. */
  timeIs(now: Date): void {
    Object.assign(this.context, { timeline: { ...this.#store.timeline, now: () => now } });
  }

  /** From now on no one who is asked is given time to answer before break-glass may be used. */
  noTimeToAnswer(): void {
    for (const { breakGlass } of this.context.catalog.systems)
      if (breakGlass) Object.assign(breakGlass, { silentForSeconds: 0 });
  }

  remark(words: string): void {
    this.#script += `-- ${words}\n\n`;
  }

  /** Everything that was said, without what differs from one run of the tests to the next. */
  script(): string {
    return this.#script
      .replace(/\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC/g, "<then>")
      .replace(/<!date\^\d+\^[^|]*\|[^>]*> \([^)]*\)/g, "<now>")
      .replace(/<!date\^\d+\^\{time\}\|[^>]*>/g, "<now>")
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "<now>")
      .replace(/\d\d:\d\d:\d\d UTC/g, "<now>")
      .replace(/(plan|facts) [0-9a-f]{8}/g, "$1 <hash>")
      .replace(/`(?:[A-Z2-7]{4} ?){8}`/g, "`<secret>`")
      .replace(/```[█▀▄ \n]+```/g, "```<QR code>```")
      .replace(/otpauth:[^`]*/g, "otpauth:<address>");
  }

  #places(): Channels {
    return {
      channelsOf: async (ids) => new Map([...this.channels].filter(([id]) => ids.includes(id))),
      incidentAt: async (channel) => [...this.channels].find(([, own]) => own === channel)?.[0] ?? null,
    };
  }

  async #append(stream: string, event: NewEvent, ended: readonly string[] = []): Promise<void> {
    await this.#store.timeline.decide(stream, () => ({ events: [event], ended, value: null }));
  }

  #caller(person: string, blocked: string | null): Request["caller"] {
    const found = this.context.catalog.systems.flatMap(({ people }) => people).find(({ id }) => id.startsWith(person));
    const slackUser = found?.slack[0] ?? `U0${person.toUpperCase()}`;
    return { transport: "slack", slackUser, person: found?.id ?? null, name: found?.name ?? person, blocked };
  }
}

function print(reply: Reply): string {
  switch (reply.kind) {
    case "private":
      return `${indent(reply.message.text)}\n${buttons(reply.message.blocks)}`;
    case "form":
      return `  (form "${reply.form.title}" → ${reply.form.callback}, carries "${reply.form.actionValue}")\n${printBlocks(reply.form.blocks)}`;
    case "file":
      return `  (file ${reply.name}, ${reply.content.toString().split("\n").length > 5 ? "more than" : "up to"} five lines)\n${indent(reply.message.text)}\n`;
    case "nothing":
      return "  (nothing)\n";
    default:
      return reply satisfies never;
  }
}

function buttons(blocks: readonly { readonly type: string; readonly [key: string]: unknown }[]): string {
  const set = blocks.filter(({ type }) => type === "actions");
  return set.length === 0 ? "" : printBlocks(set as Parameters<typeof printBlocks>[0]);
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
