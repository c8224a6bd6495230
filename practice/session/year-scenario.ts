import { setTimeout as passing } from "node:timers/promises";
import { nextOf } from "../../src/catalog/calendar.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { ANCHORS } from "../../src/incident/anchors.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import type { Store } from "../../src/timeline/index.ts";
import type { Message } from "../slack/index.ts";
import type { BotProcess } from "./bot-process.ts";
import { heard } from "./heard.ts";
import type { InvariantMonitor } from "./invariant.ts";
import { type Play, playLine, playStarted } from "./play.ts";
import type { Practice } from "./practice.ts";
import { createTime, type StartedRun, type Time } from "./time.ts";

/** How long the year is: a whole one, or one in which the same happens within some ten weeks. */
export type Length = "year" | "short";

export type Practised = Pick<
  Practice,
  "system" | "systemFolder" | "workspace" | "environment" | "dataFolder" | "bot" | "botCommand" | "clock" | "sendAlert"
>;

/** By account: the responder, the commander, the VP Engineering and the CTO. */
export const [ALEX, SAM, VERA, TONI] = ["UALEX", "USAM", "UVERA", "UTONI"] as const;
export const HOUR_SECONDS = 3600;
export const DAY_MS = 86_400_000;

/** A bit more: proofs are due. */
const HALF_HOUR_SECONDS = 31 * 60;
/** For one thing people do or wait for, real time. */
const SECONDS = 300;
/** Before a drill is announced. */
const AHEAD_MS = 8 * DAY_MS;
const CONFIRMS = { "alex-rivera": ALEX, "sam-okafor": SAM, "vera-lindqvist": VERA, "toni-berg": TONI } as const;

export interface ScenarioParts {
  readonly practice: Practised;
  readonly length: Length;
  readonly store: Store;
  /** The second bot on the same store. */
  readonly other: BotProcess;
  readonly monitor: InvariantMonitor;
  /** Told of what isn't as it has to be, a sentence each. */
  readonly problem: (says: string) => void;
}

/** What the chapters of a year are made with: what people type and press, what happens around them, time, and the record. */
export class YearScenario {
  readonly time: Time;
  readonly #parts: ScenarioParts;
  readonly #killed: string[] = [];
  #moves = 0;
  #rounds = 0;
  #left: { readonly person: string; readonly at: Date } | null = null;

  constructor(parts: ScenarioParts) {
    this.#parts = parts;
    this.time = createTime({
      ...{ store: parts.store, clock: parts.practice.clock, stream: `cal-${parts.practice.system}` },
      answer: (started) => this.#answer(started),
      heard: (event) => this.#confirm(event),
    });
  }

  get practice(): Practised {
    return this.#parts.practice;
  }

  get length(): Length {
    return this.#parts.length;
  }

  /** Runs that went from one server to the other. */
  get moves(): number {
    return this.#moves;
  }

  /** Who has left the company, person id, and since when that is known. Null: no one. */
  get left(): { readonly person: string; readonly at: Date } | null {
    return this.#left;
  }

  hasLeft(person: string, at: Date): void {
    this.#left = { person, at };
  }

  /** In what state both bots were killed, in order. */
  get killed(): readonly string[] {
    return this.#killed;
  }

  get calendar(): string {
    return `cal-${this.practice.system}`;
  }

  get readiness(): string {
    return `rdy-${this.practice.system}`;
  }

  problem(says: string): void {
    this.#parts.problem(says);
  }

  // People

  /** Types a command and gives the answer. @throws LifeboatError `year-stuck` when that isn't as expected */
  async told(user: string, words: string, expected: RegExp): Promise<string> {
    const { workspace } = this.practice;
    const until = performance.now() + SECONDS * 1000;
    const says = await heard(workspace, user, () => workspace.as(user).slash(words), until);
    if (!expected.test(says))
      throw new LifeboatError({ code: "year-stuck", where: words, what: `It was answered: ${says}` });
    return says;
  }

  /** A message that everyone sees. */
  shown(isIt: (message: Message) => boolean): Promise<Message> {
    return this.practice.workspace.as(ALEX).waitForMessage((message) => !message.only && isIt(message), SECONDS * 1000);
  }

  /** Plays a line as people do, to its end. */
  async plays(line: string, runbook: string): Promise<Play> {
    const { monitor } = this.#parts;
    const play = await playLine(this.practice, { line, runbook, seconds: SECONDS, postmortem: false, monitor });
    this.#note(play, line, runbook);
    return play;
  }

  /** Answers what a run asks, which something else requested, to its end. */
  async answers({ run, occasion, slot }: StartedRun, runbook: string, requester: string): Promise<Play> {
    const { monitor } = this.#parts;
    const play = await playStarted(this.practice, { run, runbook, requester, seconds: SECONDS, monitor });
    this.#note(play, `${occasion} of ${slot}`, runbook);
    return play;
  }

  async #answer(started: StartedRun): Promise<void> {
    const { runbook } = this.occasion(started.occasion);
    await this.answers(started, runbook ?? "", ALEX);
    // The server that was left is made a standby of the new one, for whatever comes next.
    if (runbook === "database-failover") await this.plays("restore database", "database-rejoin");
  }

  #note({ outcome, problem }: Play, what: string, runbook: string): void {
    if (outcome === "verified" && problem === null) {
      if (runbook.endsWith("-failover")) this.#moves += 1;
      return;
    }
    this.problem(`${what}: ${outcome}, ${problem ?? "without a reason"}`);
  }

  /** People who are to confirm that they can be reached do so, but for the CTO in the first month. */
  async #confirm({ type, data }: StoredEvent): Promise<void> {
    if (type !== "seats.asked") return;
    this.#rounds += 1;
    const { people } = data as { people: readonly string[] };
    for (const [person, user] of Object.entries(CONFIRMS))
      if (people.includes(person) && !(user === TONI && this.#rounds === 1))
        await this.told(user, "/dr seats confirm", /Confirmed/);
  }

  // What happens around them

  async breaksPrimary(): Promise<void> {
    await this.#parts.monitor.faultInjected(() => this.practice.environment.injectFault("kill-primary"), false);
  }

  /** Kills both bots with `kill -9` and starts them again. `meanwhile`: what happens while there is none. */
  async killBoth(state: string, meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
    const { bot } = this.practice;
    const { other } = this.#parts;
    await Promise.all([bot.kill(), other.kill()]);
    await meanwhile();
    await Promise.all([bot.start(), other.start()]);
    this.#killed.push(state);
  }

  /** How often a server of the application was promoted since it was made: PostgreSQL counts it. */
  promotions(): Promise<number> {
    return this.practice.environment.promotions();
  }

  // Time

  occasion(id: string) {
    const [system] = loadCatalog(this.practice.systemFolder).catalog.systems;
    const found = (system?.calendar ?? []).find((one) => one.id === id);
    if (found !== undefined) return found;
    throw new LifeboatError({ code: "occasion-unknown", what: `The calendar has no ${id}` });
  }

  async nextDrill(): Promise<Date> {
    const slot = nextOf(this.occasion("failover"), await this.time.now());
    if (slot !== null) return slot;
    throw new LifeboatError({ code: "occasion-unknown", what: "The drill has no next time" });
  }

  /** Where it has to be short, weeks in which no drill is announced or held pass at once: what was due then is missed. */
  async passTo(date: Date): Promise<void> {
    if (this.length === "short") {
      const now = (await this.time.now()).getTime();
      const drill = (await this.nextDrill()).getTime() - AHEAD_MS;
      const seconds = Math.floor((Math.min(drill, date.getTime() - DAY_MS) - now) / 1000);
      if (seconds > 2 * 24 * HOUR_SECONDS) await this.time.jump(seconds);
    }
    await this.time.until(date);
  }

  async passes(seconds: number): Promise<void> {
    await this.time.until(new Date((await this.time.now()).getTime() + seconds * 1000));
  }

  // The record

  /** What is found when it is looked for again, which it is every half an hour. */
  async recordedWhilePassing(stream: string, isIt: (event: StoredEvent) => boolean): Promise<StoredEvent> {
    const until = performance.now() + SECONDS * 1000;
    for (;;) {
      const found = (await this.#parts.store.timeline.read(stream)).find(isIt);
      if (found !== undefined) return found;
      if (performance.now() > until)
        throw new LifeboatError({ code: "year-stuck", what: `${stream} doesn't say what it has to` });
      await this.passes(HALF_HOUR_SECONDS);
      await passing(1000);
    }
  }

  /** An event of a drill at this time. */
  ofDrill(type: string, slot: Date): Promise<StoredEvent> {
    return this.time.recorded(this.calendar, `${type} of the drill`, (event) => {
      const of = event.data as { occasion?: string; slot?: string };
      return event.type === type && of.occasion === "failover" && of.slot === slot.toISOString();
    });
  }

  /** Resolves when every checkpoint so far was seen to stand in Slack. */
  async anchored(): Promise<void> {
    const made = (await this.#parts.store.timeline.read(ANCHORS)).filter(({ type }) => type === "checkpoint.made");
    for (const { data } of made) {
      const { checkpoint } = data as { checkpoint: number };
      await this.time.recorded(ANCHORS, `where checkpoint ${checkpoint} stands`, ({ type, data: said }) => {
        return type === "anchor.placed" && (said as { checkpoint: number }).checkpoint === checkpoint;
      });
    }
  }

  async incidents(): Promise<ReadonlySet<string>> {
    return new Set((await this.#parts.store.timeline.streams("inc-", 1000)).map(({ id }) => id));
  }

  /** What was declared since, no matter who did. */
  async declaredSince(known: ReadonlySet<string>): Promise<string> {
    const until = performance.now() + SECONDS * 1000;
    for (;;) {
      const found = [...(await this.incidents())].find((id) => !known.has(id));
      if (found !== undefined) return found;
      if (performance.now() > until) throw new LifeboatError({ code: "year-stuck", what: "No incident was declared" });
      await passing(50);
    }
  }

  async everything(): Promise<readonly (StoredEvent & { readonly stream: string })[]> {
    const { timeline } = this.#parts.store;
    const streams = await timeline.streams("", 10_000);
    const all = await Promise.all(
      streams.map(async ({ id }) => (await timeline.read(id)).map((event) => ({ ...event, stream: id }))),
    );
    return all.flat();
  }
}
