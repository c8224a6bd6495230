import { createHash } from "node:crypto";
import type { Decided } from "../../src/timeline/contract.ts";
import { audit, type Complaint, ROLES } from "../support/auditor.ts";
import { type EventRow, MemoryDatabase } from "../support/memory-store/database.ts";
import { createRandom } from "../support/random.ts";
import { startBot, worldIs } from "./bot.ts";
import { type Core, coreWays, startCore } from "./core.ts";
import { differences } from "./differential.ts";
import type { Answered } from "./doing.ts";
import type { HttpFront } from "./http-front.ts";
import { MailServer, Monitoring } from "./outside.ts";
import { People } from "./people.ts";
import { SlackServer } from "./slack-server.ts";
import { slackWays } from "./slack-ways.ts";
import { createStoreLink, type StoreWeather } from "./store-link.ts";
import { Process, timeIs, VirtualTime } from "./time.ts";
import { World } from "./world.ts";
import { type Write, Writes } from "./writes.ts";

/** Faults happen until here; then everything is well, and has to become well. Milliseconds. */
const FAULTS_MS = 80_000;
const CALM_MS = 70_000;
/** In the calm people act this long. After it, what stirs nothing for `QUIET_MS` and holds what is promised is over. */
const ACTING_MS = 20_000;
const QUIET_MS = 15_000;
const BOTS = 2;
/** Share of the cores that look for what is late or wrong by themselves. */
const MONITORED = 0.3;
/** What runbooks of the simulation change. */
const TARGETS = ["primary", "standby", "application", "traffic", "cache-one", "cache-two"];

export interface Simulated {
  readonly seed: number;
  readonly complaints: readonly Complaint[];
  /** SHA-256 of everything that happened, in order. */
  readonly trace: string;
  readonly lines: readonly string[];
  readonly steps: number;
  /** What the store was asked to write; of whole bots nothing. */
  readonly writes: readonly Write[];
  /** The timelines it left. */
  readonly streams: readonly { readonly id: string; readonly events: readonly EventRow[] }[];
  /** How often each of these happened. */
  readonly events: ReadonlyMap<string, number>;
  readonly refusals: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
}

/** A delivery of Slack that was answered. */
export interface Acknowledged {
  /** What names it in the body of the request. */
  readonly mark: string;
  readonly answer: Answered;
}

/** `bot`: whole bots, from Slack to Slack. `core`: commands, decisions, the store and the engine of a bot; nothing is drawn or delivered. */
export type Level = "bot" | "core";

/** Plays one run: two bots, people, and what goes wrong, all of it decided by the seed. */
export async function simulate(seed: number, level: Level = "bot", keepsLines = false): Promise<Simulated> {
  const hash = createHash("sha256");
  const lines: string[] = [];
  const faults = new Map<string, number>();
  const time = new VirtualTime(createRandom(seed, "code"));
  const trace = (line: string) => {
    const stamped = `${time.now.toFixed(3)} ${line}`;
    hash.update(`${stamped}\n`);
    if (keepsLines) lines.push(stamped);
  };
  const note = (fault: string) => {
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
    trace(`fault ${fault}`);
  };
  const plan = createRandom(seed, "plan");
  const world = new World(time, createRandom(seed, "world"), note);
  const slack = new SlackServer(time, createRandom(seed, "slack"), note, trace);
  const weather: StoreWeather = { trouble: 0, isDown: false };
  const database = new MemoryDatabase(() => Math.floor(time.epoch));
  const processes: Process[] = [];
  const fronts = new Map<Process, HttpFront>();
  const cores = new Map<Process, Core>();
  const acknowledged: Acknowledged[] = [];
  const writers = new Map<string, string>();
  const writes = new Writes();
  const hasMonitors = createRandom(seed, "monitors").chance(MONITORED);
  const mail = new MailServer(time, note);
  const trouble = () => (slack.isDown ? 1 : slack.trouble);
  const around = { database, writes, users: slack.users, time, trouble, hasMonitors, mail };
  let serial = 0;
  let lastWritten = 0;

  function start(slot: number): void {
    const process = new Process(`bot-${slot}.${++serial}`);
    const random = createRandom(seed, process.name);
    const link = createStoreLink({ time, process, random, weather, note, trace });
    processes.push(process);
    if (plan.chance(0.5) && time.now < FAULTS_MS) {
      process.killAt = 20 + plan.int(700);
      process.killAfterSending = plan.chance(0.5);
    }
    let replica = 0;
    process.onKilled = () => {
      note(`process killed ${process.killAfterSending ? "after" : "before"} a request`);
      fronts.delete(process);
      cores.delete(process);
      time.after(30, null, () => database.sessions.delete(replica));
      time.after(plan.between(300, 4_000), null, () => start(slot));
    };
    time.after(0, process, () => {
      trace(`${process.name} starts`);
      const noting = notingWriter(link, process);
      if (level === "bot") fronts.set(process, startBot(database, noting));
      else cores.set(process, startCore({ ...around, link: noting, process, random }));
      replica = Math.max(...database.sessions.keys());
    });
  }

  /** Who wrote which event, for the auditor. */
  function notingWriter(link: ReturnType<typeof createStoreLink>, process: Process): typeof link {
    return {
      notice: link.notice,
      ask: (what, work, interactive) =>
        link.ask(
          what,
          () => {
            const stream = /^writing to (.*)$/.exec(what)?.[1];
            const before = stream === undefined ? 0 : (database.stream(stream)?.version ?? 0);
            const answer = work();
            if (stream !== undefined) writes.settle((answer as { answer: Decided<unknown> }).answer);
            const row = stream === undefined ? undefined : database.stream(stream);
            for (const event of row?.events.slice(before) ?? []) {
              lastWritten = time.now;
              writers.set(`${event.stream}/${event.version}`, process.name);
              strikeAt(process, event.type);
              trace(`${process.name} wrote ${event.stream} ${event.version} ${event.type} ${event.data}`);
            }
            return answer;
          },
          interactive,
        ),
    };
  }

  /** Where it matters most: right after something was written down that is about to be done. */
  function strikeAt(process: Process, type: string): void {
    if (time.now > FAULTS_MS || !["step.started", "step.intended", "step.applied"].includes(type)) return;
    if (plan.chance(0.04)) {
      time.after(0, null, () => process.kill());
      return;
    }
    if (!plan.chance(0.04)) return;
    note("process frozen after an event");
    process.frozenUntil = time.now + plan.between(1_500, 20_000);
  }

  const answered = (mark: string, answer: Answered) => {
    trace(`acknowledged ${mark} ${answer?.status ?? "not"}`);
    acknowledged.push({ mark, answer });
  };
  /** One of those that are there; null: none is. */
  const oneOf = <T>(all: readonly T[]): T | null => all[plan.int(Math.max(1, all.length))] ?? null;
  const ways =
    level === "core"
      ? coreWays(database, (mark, doing) => {
          const core = oneOf([...cores].filter(([process]) => !process.isDead));
          if (core === null) return note("no bot to deliver to");
          core[1].hear(doing, mark, (answer) => answered(mark, answer));
        })
      : slackWays(slack, time, (mark, delivery) => {
          const open = oneOf([...fronts].filter(([process, front]) => !process.isDead && front.isOpen));
          if (open === null) return note("slack: no bot to deliver to");
          const [process, front] = open;
          front.deliver(time, process, delivery, (answer) => answered(mark, answer));
        });
  const monitoring = new Monitoring({
    ...{ time, note, random: createRandom(seed, "monitoring") },
    say: (statement, kept) => oneOf([...cores.values()])?.told(statement, kept),
  });
  const people = new People({ time, ways, users: slack.users, random: createRandom(seed, "people"), note, trace });

  timeIs(time);
  worldIs(world);
  globalThis.fetch = slack.fetch as typeof globalThis.fetch;
  try {
    for (let slot = 1; slot <= BOTS; slot++) start(slot);
    people.begin(FAULTS_MS + ACTING_MS);
    if (hasMonitors && level === "core") monitoring.begin(FAULTS_MS);
    planFaults();
    await time.until(FAULTS_MS);
    Object.assign(weather, { trouble: 0, isDown: false });
    Object.assign(slack, { trouble: 0, isDown: false });
    world.trouble = 0;
    mail.trouble = 0;
    for (const process of processes) Object.assign(process, { killAt: Number.POSITIVE_INFINITY });
    const look = () =>
      audit({
        ...{ time, database, world, processes, acknowledged, writers, people, forged: people.forged },
        ...(level === "core" && hasMonitors && { outside: { letters: mail.letters, alerts: monitoring.kept } }),
        slack: level === "bot" ? slack : null,
      });
    let complaints: readonly Complaint[] | null = null;
    for (let at = FAULTS_MS + ACTING_MS; at < FAULTS_MS + CALM_MS && complaints === null; at += QUIET_MS / 3) {
      await time.until(at);
      const stirred = Math.max(lastWritten, slack.changedAt, world.ledger.at(-1)?.at ?? 0);
      if (time.now - stirred >= QUIET_MS && look().length === 0) complaints = [];
    }
    if (complaints === null) {
      await time.until(FAULTS_MS + CALM_MS);
      complaints = look();
    }
    complaints = [...complaints, ...differences({ ...database, roles: ROLES })];
    const events = [...database.streams.values()].flatMap((stream) => stream.events);
    return {
      ...{ writes: writes.all, streams: [...database.streams.values()] },
      ...{ seed, complaints, trace: hash.digest("hex"), lines, steps: time.steps, faults },
      events: counted(events.map(({ type }) => type)),
      refusals: counted(
        events.flatMap(({ type, data }) =>
          /refused/.test(type) ? [`${type} ${(JSON.parse(data) as { code?: string }).code ?? ""}`.trim()] : [],
        ),
      ),
    };
  } finally {
    for (const process of processes) process.isDead = true;
    timeIs(null);
  }

  function planFaults(): void {
    const during = (least: number, most: number, begin: () => void, end: () => void) => {
      const at = plan.between(2_000, FAULTS_MS - 5_000);
      time.after(at, null, begin);
      time.after(Math.min(FAULTS_MS, at + plan.between(least, most)), null, end);
    };
    weather.trouble = plan.one([0, 0, 0.01, 0.05, 0.2]);
    world.trouble = plan.one([0, 0, 0.1, 0.3]);
    mail.trouble = world.trouble === 0 ? 0 : 0.4;
    slack.trouble = plan.one([0, 0, 0.05, 0.3]);
    if (plan.chance(0.3))
      during(
        500,
        35_000,
        () => (weather.isDown = true),
        () => (weather.isDown = false),
      );
    if (plan.chance(0.3))
      during(
        5_000,
        60_000,
        () => (slack.isDown = true),
        () => (slack.isDown = false),
      );
    for (let freezes = plan.int(3); freezes > 0; freezes--)
      time.after(plan.between(5_000, FAULTS_MS - 20_000), null, () => {
        const alive = processes.filter(({ isDead }) => !isDead);
        const one = alive[plan.int(alive.length)];
        if (one === undefined) return;
        note("process frozen");
        one.frozenUntil = time.now + plan.between(1_500, 20_000);
      });
    for (let kills = plan.int(3); kills > 0; kills--)
      time.after(plan.between(5_000, FAULTS_MS - 1_000), null, () => {
        const alive = processes.filter(({ isDead }) => !isDead);
        alive[plan.int(alive.length)]?.kill();
      });
    for (let drifts = plan.one([0, 0, 1, 3]); drifts > 0; drifts--)
      time.after(plan.between(4_000, FAULTS_MS), null, () => world.drift(plan.one(TARGETS)));
    if (plan.chance(0.4))
      time.after(plan.between(1_000, FAULTS_MS), null, () => {
        for (const process of processes)
          if (plan.chance(0.5)) process.wallAhead = plan.one([-7_200_000, 7_200_000, 90_000]);
        note("wall clock stepped");
      });
  }
}

function counted(values: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
}
