import { join } from "node:path";
import { setTimeout as passing } from "node:timers/promises";
import { nextOf } from "../../src/catalog/calendar.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import { createLog } from "../../src/lib/log.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import { openStore, type Store } from "../../src/timeline/index.ts";
import { BotProcess } from "./bot-process.ts";
import {
  type Command,
  differing,
  type ExportedPack,
  exportEvidence,
  HARMS,
  type Harm,
  harmed,
  verifyEvidence,
} from "./evidence.ts";
import { heard } from "./heard.ts";
import { type InvariantMonitor, monitorInvariant } from "./invariant.ts";
import { type Play, playLine, playStarted } from "./play.ts";
import type { Practice } from "./practice.ts";
import { createTime, type StartedRun, type Time } from "./time.ts";
import { countsOf, repeated, type YearCounts } from "./year-record.ts";

/** How long the year is: a whole one, or one in which the same happens within some ten weeks. */
export type Length = "year" | "short";

export interface YearOptions {
  readonly length: Length;
  /** A folder for packs and logs. */
  readonly folder: string;
  /** How `lifeboat` is started: program and first arguments. */
  readonly lifeboat: Pick<Command, "program" | "arguments">;
  /** Told of each chapter when it is over. */
  readonly onChapter?: (chapter: Chapter) => void;
}

/** Something that happened in the year. */
export interface Chapter {
  /** Day of the year, counted from 0. */
  readonly day: number;
  readonly title: string;
  /** What was seen of it, a clause. */
  readonly saw: string;
  /** Real time since the year began when it was over. */
  readonly seconds: number;
}

export interface Year {
  /** `whole`: nothing below is a problem. */
  readonly outcome: "whole" | "broken";
  readonly days: number;
  /** Real time it took. */
  readonly seconds: number;
  readonly chapters: readonly Chapter[];
  readonly counts: YearCounts;
  readonly evidence: {
    readonly manifestSha256: string;
    readonly whole: boolean;
    /** The first part of the year, exported right then and again at its end. */
    readonly sameAgain: boolean;
    /** What the verifier calls what was done to a copy. */
    readonly harmed: Readonly<Record<Harm, readonly string[]>>;
  };
  /** What isn't as it has to be, a sentence each. */
  readonly problems: readonly string[];
}

/** Of its bots: Slack shows at once what happened, checkpoints are posted, and proofs are made by themselves. */
export const YEAR_SETTINGS: Readonly<Record<string, string>> = {
  SLACK_RATE: "50",
  LIFEBOAT_READINESS_MINUTES: "30",
  LIFEBOAT_ANCHOR_CHANNEL: "general",
};

type Practised = Pick<
  Practice,
  "system" | "systemFolder" | "workspace" | "environment" | "dataFolder" | "bot" | "botCommand" | "clock" | "sendAlert"
>;

const SECONDS = 300;
const DAY_MS = 86_400_000;
const HOUR = 3600;
/** Chapters happen at this hour, UTC: the calendar of practice has nothing then. */
const AFTERNOON = 14;
const YEAR_DAYS = 365;
/** How long people have for an action item. */
const DUE_DAYS: Readonly<Record<Length, number>> = { year: 180, short: 20 };
/** Before a drill is announced. */
const AHEAD_MS = 8 * DAY_MS;

interface Planned {
  readonly day: number;
  readonly title: string;
  /** What was seen of it, a clause. */
  readonly happens: () => Promise<string>;
  /** Left out where it has to be short. */
  readonly yearOnly?: true;
}

/** By account: the responder, the commander, the VP Engineering and the CTO. */
const [ALEX, SAM, VERA, TONI] = ["UALEX", "USAM", "UVERA", "UTONI"] as const;

/**
 * Plays a year of the practice system in practice time, with two bots on one store, and lets an auditor look at it. What happens
 * is what people and the world do; what comes of it is read from the record.
 */
export async function playYear(practice: Practised, options: YearOptions): Promise<Year> {
  const store = await openStore({ dataFolder: practice.dataFolder, log: createLog("error"), openSeconds: 30 });
  const command = await practice.botCommand();
  const other = new BotProcess({ ...command, logFile: join(options.folder, "other-bot.log") });
  const monitor = await monitorInvariant(practice.environment);
  try {
    await other.start();
    const lifeboat = { ...options.lifeboat, environment: command.environment };
    return await new PracticeYear(practice, options, { store, other, monitor, lifeboat }).play();
  } finally {
    await monitor.stop();
    await other.stop();
    other.close();
    await store.close();
  }
}

interface Parts {
  readonly store: Store;
  readonly other: BotProcess;
  readonly monitor: InvariantMonitor;
  readonly lifeboat: Command;
}

class PracticeYear {
  readonly #practice: Practised;
  readonly #options: YearOptions;
  readonly #parts: Parts;
  readonly #time: Time;
  readonly #began = performance.now();
  readonly #chapters: Chapter[] = [];
  readonly #problems: string[] = [];
  /** Runs that went from one server to the other. */
  #moves = 0;
  #begins = new Date(0);
  #incident = "";
  /** When its action item is due. */
  #due = new Date(0);

  constructor(practice: Practised, options: YearOptions, parts: Parts) {
    [this.#practice, this.#options, this.#parts] = [practice, options, parts];
    this.#time = createTime({
      ...{ store: parts.store, clock: practice.clock, stream: `cal-${practice.system}` },
      answer: (started) => this.#answer(started),
      heard: (event) => this.#heard(event),
    });
  }

  async play(): Promise<Year> {
    const before = await this.#promotions();
    await this.#time.settled();
    this.#begins = await this.#time.now();
    let part: { readonly to: Date; readonly pack: ExportedPack } | null = null;
    for (const { day, title, happens } of this.#script()) {
      await this.#passTo(this.#dayOf(day));
      const saw = await happens();
      if (part === null && this.#chapters.length === PART) part = await this.#exportPart();
      const chapter = { day, title, saw, seconds: this.#elapsed() };
      this.#chapters.push(chapter);
      this.#options.onChapter?.(chapter);
    }
    if (this.#options.length === "year") await this.#passTo(this.#dayOf(YEAR_DAYS));
    const days = Math.round(((await this.#time.now()).getTime() - this.#begins.getTime()) / DAY_MS);
    const promoted = (await this.#promotions()) - before;
    if (promoted !== this.#moves)
      this.#problems.push(`The database was promoted ${promoted} times by ${this.#moves} runs that promote it`);
    for (const { saw } of this.#parts.monitor.violations) this.#problems.push(saw);
    const events = await this.#everything();
    this.#problems.push(...repeated(events));
    const evidence = await this.#evidence(part);
    return {
      ...{ outcome: this.#problems.length === 0 ? "whole" : "broken", days, chapters: this.#chapters, evidence },
      ...{ seconds: this.#elapsed(), counts: countsOf(events) },
      problems: this.#problems,
    };
  }

  /** In the order of its days; what the calendar starts happens between. Of a day that has passed already nothing is waited for. */
  #script(): readonly Planned[] {
    const { length } = this.#options;
    const all: readonly Planned[] = [
      { day: 2, title: "An alert leads to a failover, which is committed", happens: () => this.#committed() },
      { day: 40, title: "A failover is failed back", happens: () => this.#failedBack() },
      { day: 75, title: "The CTO starts a surprise", happens: () => this.#surprise(), yearOnly: true },
      { day: 80, title: "A drill is announced, started at its hour, and done", happens: () => this.#drilled() },
      { day: 90, title: "An incident is open at the hour of a drill, which is missed", happens: () => this.#missed() },
      { day: 150, title: "An approver leaves", happens: () => this.#leaves() },
      { day: 200, title: "An action item is overdue, and then done", happens: () => this.#overdue() },
      { day: 220, title: "Both bots are killed in the middle of a run", happens: () => this.#killed() },
      { day: 300, title: "Both bots are down for four days", happens: () => this.#down(), yearOnly: true },
      { day: 340, title: "The record of the incident is signed off", happens: () => this.#signedOff() },
    ];
    if (length === "year") return all;
    return all.filter(({ yearOnly }) => !yearOnly).map((one, n) => ({ ...one, day: n + 2 }));
  }

  async #committed(): Promise<string> {
    const { environment } = this.#practice;
    const known = await this.#incidents();
    await this.#parts.monitor.faultInjected(() => environment.injectFault("kill-primary"), false);
    for (let n = 0; n < 3; n++) await this.#practice.sendAlert("PrimaryDown", "firing");
    const incident = await this.#declaredSince(known);
    this.#incident = incident;
    await this.#plays("failover database --unplanned", "database-failover");
    await this.#practice.sendAlert("PrimaryDown", "resolved");
    await this.#passes(31 * 60);
    const committed = await this.#told(SAM, "/dr commit The other machine stays off", /is committed/);
    await this.#plays("restore database", "database-rejoin");
    this.#due = new Date((await this.#time.now()).getTime() + DUE_DAYS[this.#options.length] * DAY_MS);
    const due = this.#due.toISOString().slice(0, 10);
    await this.#told(
      SAM,
      `/dr action add Buy a second power supply --owner <@${ALEX}> --due ${due} --incident ${incident}`,
      /Action item added/,
    );
    return committed;
  }

  async #failedBack(): Promise<string> {
    await this.#plays("failover database", "database-failover");
    await this.#plays("restore database", "database-rejoin");
    const back = await this.#plays("failback", "database-failover");
    await this.#plays("restore database", "database-rejoin");
    return `failed back in ${back.seconds} s`;
  }

  /** Its approver proves who she is; no later one can, once she has left. */
  async #surprise(): Promise<string> {
    await this.#parts.monitor.faultInjected(() => this.#practice.environment.injectFault("kill-primary"), false);
    const known = await this.#incidents();
    await this.#told(TONI, "/dr calendar start region", /requested/);
    const incident = await this.#declaredSince(known);
    const isRequest = ({ type }: StoredEvent) => type === "run.requested";
    const { run } = await this.#time.recorded(incident, "that it was requested", isRequest);
    const started = { occasion: "region", slot: "", incident, run: run ?? "" };
    await this.#answers(started, "region-failover", TONI);
    await this.#plays("restore database", "database-rejoin");
    return "the region was left by an approval with a code";
  }

  async #drilled(): Promise<string> {
    const slot = await this.#nextDrill();
    await this.#passTo(new Date(slot.getTime() + HOUR * 1000));
    const types = ["announced", "reminded", "started", "done"].map((what) => `occasion.${what}`);
    for (const type of types)
      await this.#time.recorded(this.#calendar, `that the drill was ${type}`, (event) => {
        const of = event.data as { occasion?: string; slot?: string };
        return event.type === type && of.occasion === "failover" && of.slot === slot.toISOString();
      });
    return `planned for ${slot.toISOString().slice(0, 16)}, with ${types.length} events of its own`;
  }

  async #missed(): Promise<string> {
    const occasion = this.#occasion("failover");
    const slot = await this.#nextDrill();
    await this.#passTo(new Date(slot.getTime() - HOUR * 1000));
    const known = await this.#incidents();
    await this.#told(SAM, "/dr declare P2 Some orders come twice", /INC-/);
    const opened = await this.#declaredSince(known);
    await this.#time.jump(HOUR + 60);
    await this.#time.jump(occasion.takesSeconds);
    const missed = await this.#time.recorded(this.#calendar, "that the drill was missed", ({ type, data }) => {
      const of = data as { occasion: string; slot: string };
      return type === "occasion.missed" && of.occasion === "failover" && of.slot === slot.toISOString();
    });
    await this.#told(SAM, `/dr resolve --anyway No order comes twice. --incident ${opened}`, /is resolved/);
    return (missed.data as { reason: string }).reason;
  }

  async #leaves(): Promise<string> {
    this.#practice.workspace.faults("deactivate", { user: VERA });
    // Everyone on a roster is looked up once an hour.
    await this.#passes(2 * HOUR);
    const until = performance.now() + SECONDS * 1000;
    for (;;) {
      const says = await this.#told(SAM, "/dr seats", /VP Engineering/);
      const left = /Vera Lindqvist \([^)]*\)/.exec(says)?.[0];
      if (left !== undefined && /deactivated/.test(left)) return left;
      if (performance.now() > until) throw new Error(`It is not shown that she left: ${says}`);
    }
  }

  async #overdue(): Promise<string> {
    await this.#passTo(new Date(this.#due.getTime() + DAY_MS));
    await this.#time.recorded(this.#incident, "that the action item is due", ({ type }) => type === "action.reminded");
    return this.#told(SAM, `/dr action done ${this.#incident}/A1 Built in and tested`, /is done/);
  }

  /** The bots die when the old primary is being fenced, and whichever starts first goes on. */
  async #killed(): Promise<string> {
    const { seconds } = await this.#plays("failover database", "database-failover", () => this.#killBoth());
    await this.#plays("restore database", "database-rejoin");
    return `the run went on and ended verified after ${seconds} s`;
  }

  async #down(): Promise<string> {
    const { bot } = this.#practice;
    await Promise.all([bot.kill(), this.#parts.other.kill()]);
    await this.#practice.clock.moveForward(4 * 24 * HOUR);
    await Promise.all([bot.start(), this.#parts.other.start()]);
    await this.#time.settled();
    const expired = await this.#time.recorded(
      `rdy-${this.#practice.system}`,
      "that proofs have expired",
      ({ type, data }) => type === "readiness.changed" && "unprovenSince" in (data as object),
    );
    return `unproven since ${(expired.data as { unprovenSince: string }).unprovenSince.slice(0, 10)}`;
  }

  async #signedOff(): Promise<string> {
    const says = "/dr sign-off The record is complete, and its action item is closed";
    return this.#told(SAM, `${says} --incident ${this.#incident}`, /is signed off/);
  }

  // What the calendar starts, and what is asked of people

  async #answer(started: StartedRun): Promise<void> {
    const { runbook } = this.#occasion(started.occasion);
    await this.#answers(started, runbook ?? "", ALEX);
    // The server that was left is made a standby of the new one, for whatever comes next.
    if (runbook === "database-failover") await this.#plays("restore database", "database-rejoin");
  }

  async #answers({ run, occasion, slot }: StartedRun, runbook: string, requester: string): Promise<void> {
    const given = { run, runbook, requester, seconds: SECONDS, monitor: this.#parts.monitor };
    this.#note(await playStarted(this.#practice, given), `${occasion} of ${slot}`, runbook);
  }

  async #plays(line: string, runbook: string, meanwhile?: () => Promise<void>): Promise<Play> {
    const known = await this.#incidents();
    const given = { line, runbook, seconds: SECONDS, postmortem: false, monitor: this.#parts.monitor };
    const playing = playLine(this.#practice, given);
    const interfering =
      meanwhile === undefined ? null : this.#declaredSince(known).then((id) => this.#inTheMiddle(id, meanwhile));
    const play = await playing;
    await interfering;
    this.#note(play, line, runbook);
    return play;
  }

  #note({ outcome, problem }: Play, what: string, runbook: string): void {
    if (outcome === "verified" && problem === null) {
      if (runbook.endsWith("-failover")) this.#moves += 1;
      return;
    }
    this.#problems.push(`${what}: ${outcome}, ${problem ?? "without a reason"}`);
  }

  /** After something was changed, and before it is over. */
  async #inTheMiddle(incident: string, does: () => Promise<void>): Promise<void> {
    await this.#time.recorded(incident, "the first change of the run", ({ type, data }) => {
      return type === "step.started" && (data as { step: string }).step === "fence";
    });
    await does();
  }

  async #killBoth(): Promise<void> {
    const { bot } = this.#practice;
    await Promise.all([bot.kill(), this.#parts.other.kill()]);
    await Promise.all([bot.start(), this.#parts.other.start()]);
  }

  /** Everyone but the CTO confirms each month that they can be reached. */
  async #heard({ type, data }: StoredEvent): Promise<void> {
    if (type !== "seats.asked") return;
    const { people } = data as { people: readonly string[] };
    for (const [user, person] of [
      [ALEX, "alex-rivera"],
      [SAM, "sam-okafor"],
    ] as const)
      if (people.includes(person)) await this.#told(user, "/dr seats confirm", /Confirmed/);
  }

  async #told(user: string, words: string, expected: RegExp): Promise<string> {
    const { workspace } = this.#practice;
    const until = performance.now() + SECONDS * 1000;
    const says = await heard(workspace, user, () => workspace.as(user).slash(words), until);
    if (!expected.test(says))
      throw new LifeboatError({ code: "year-stuck", where: words, what: `It was answered: ${says}` });
    return says.split("\n")[0] === says ? says : (says.match(expected)?.input ?? says);
  }

  // Time

  #elapsed(): number {
    return Math.round((performance.now() - this.#began) / 1000);
  }

  get #calendar(): string {
    return `cal-${this.#practice.system}`;
  }

  #occasion(id: string) {
    const [system] = loadCatalog(this.#practice.systemFolder).catalog.systems;
    const found = (system?.calendar ?? []).find((one) => one.id === id);
    if (found !== undefined) return found;
    throw new LifeboatError({ code: "occasion-unknown", what: `The calendar has no ${id}` });
  }

  #dayOf(day: number): Date {
    const at = new Date(Math.floor(this.#begins.getTime() / DAY_MS) * DAY_MS + day * DAY_MS);
    return new Date(at.getTime() + AFTERNOON * HOUR * 1000);
  }

  async #nextDrill(): Promise<Date> {
    const slot = nextOf(this.#occasion("failover"), await this.#time.now());
    if (slot !== null) return slot;
    throw new LifeboatError({ code: "occasion-unknown", what: "The drill has no next time" });
  }

  /** Where it has to be short, weeks in which no drill is announced or held pass at once: what was due then is missed. */
  async #passTo(date: Date): Promise<void> {
    if (this.#options.length === "short") {
      const now = (await this.#time.now()).getTime();
      const drill = (await this.#nextDrill()).getTime() - AHEAD_MS;
      const seconds = Math.floor((Math.min(drill, date.getTime() - DAY_MS) - now) / 1000);
      if (seconds > 2 * 24 * HOUR) await this.#time.jump(seconds);
    }
    await this.#time.until(date);
  }

  async #passes(seconds: number): Promise<void> {
    await this.#time.until(new Date((await this.#time.now()).getTime() + seconds * 1000));
  }

  // The record

  async #incidents(): Promise<ReadonlySet<string>> {
    return new Set((await this.#parts.store.timeline.streams("inc-", 1000)).map(({ id }) => id));
  }

  /** What was declared since, no matter who did. */
  async #declaredSince(known: ReadonlySet<string>): Promise<string> {
    const until = performance.now() + SECONDS * 1000;
    for (;;) {
      const found = [...(await this.#incidents())].find((id) => !known.has(id));
      if (found !== undefined) return found;
      if (performance.now() > until) throw new LifeboatError({ code: "year-stuck", what: "No incident was declared" });
      await passing(50);
    }
  }

  async #everything(): Promise<readonly (StoredEvent & { readonly stream: string })[]> {
    const { timeline } = this.#parts.store;
    const streams = await timeline.streams("", 10_000);
    const all = await Promise.all(
      streams.map(async ({ id }) => (await timeline.read(id)).map((event) => ({ ...event, stream: id }))),
    );
    return all.flat();
  }

  /** How often a server of the application was promoted since it was made: PostgreSQL counts it. */
  async #promotions(): Promise<number> {
    return this.#practice.environment.promotions();
  }

  // The evidence

  async #exportPart(): Promise<{ readonly to: Date; readonly pack: ExportedPack }> {
    const to = await this.#time.now();
    return { to, pack: await this.#export(to, "part") };
  }

  async #export(to: Date, name: string): Promise<ExportedPack> {
    const out = join(this.#options.folder, name);
    return exportEvidence(this.#parts.lifeboat, { from: this.#begins, to, out });
  }

  async #evidence(part: { readonly to: Date; readonly pack: ExportedPack } | null): Promise<Year["evidence"]> {
    const again = part === null ? null : await this.#export(part.to, "part-again");
    const sameAgain = again?.manifestSha256 === part?.pack.manifestSha256;
    if (!sameAgain && part && again) {
      const other = await differing(part.pack.folder, again.folder);
      this.#problems.push(`The first part of the year, exported again, is another pack: ${other.join(", ")}`);
    }
    const pack = await this.#export(await this.#time.now(), "year");
    const [publicKey = ""] = this.#parts.store.keyring.publicKeys.values();
    const { whole, problems } = await verifyEvidence(pack.folder, publicKey);
    for (const { code, where, says } of problems) this.#problems.push(`lifeboat-verify: ${code}: ${where}: ${says}`);
    const found: Partial<Record<Harm, readonly string[]>> = {};
    for (const harm of Object.keys(HARMS) as Harm[]) {
      const copy = join(this.#options.folder, harm);
      await harmed(pack.folder, harm, copy);
      const codes = [...new Set((await verifyEvidence(copy, publicKey)).problems.map(({ code }) => code))];
      found[harm] = codes;
      if (!codes.includes(HARMS[harm].code))
        this.#problems.push(`${HARMS[harm].title} is named ${codes.join(", ")} and not ${HARMS[harm].code}`);
    }
    return { manifestSha256: pack.manifestSha256, whole, sameAgain, harmed: found as Record<Harm, readonly string[]> };
  }
}

/** After so many chapters the year so far is exported. */
const PART = 3;
