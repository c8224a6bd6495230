import type { StoredEvent } from "../../src/timeline/contract.ts";
import { ALEX, DAY_MS, HOUR_SECONDS, type Length, SAM, TONI, VERA, type YearScenario } from "./year-scenario.ts";

/** What happens at one time of the year, and what was seen of it, a clause. */
export interface Planned {
  /** Day of the year, counted from 0. */
  readonly day: number;
  readonly title: string;
  readonly happens: () => Promise<string>;
  /** Left out where it has to be short. */
  readonly yearOnly?: true;
}

/** How long people have for an action item. */
const DUE_DAYS: Readonly<Record<Length, number>> = { year: 180, short: 20 };

/** In the order of its days; what the calendar starts happens between. Of a day that has passed already nothing is waited for. */
export function chaptersOf(scenario: YearScenario): readonly Planned[] {
  const year = new Chapters(scenario);
  const all: readonly Planned[] = [
    { day: 2, title: "An alert leads to a failover, which is committed", happens: () => year.committed() },
    { day: 40, title: "A failover is failed back", happens: () => year.failedBack() },
    { day: 75, title: "The CTO starts a surprise", happens: () => year.surprise(), yearOnly: true },
    { day: 80, title: "A drill is announced, started at its hour, and done", happens: () => year.drilled() },
    { day: 90, title: "An incident is open at the hour of a drill, which is missed", happens: () => year.missed() },
    { day: 120, title: "A run is denied and aborted, and a runbook is walked through", happens: () => year.walked() },
    { day: 150, title: "An approver leaves, and the next is asked", happens: () => year.leaves() },
    { day: 200, title: "An action item is overdue, and then done", happens: () => year.overdue() },
    { day: 300, title: "Both bots are down for four days", happens: () => year.down(), yearOnly: true },
    { day: 340, title: "The record of the incident is signed off", happens: () => year.signedOff() },
  ];
  if (scenario.length === "year") return all;
  return all.filter(({ yearOnly }) => !yearOnly).map((one, n) => ({ ...one, day: n + 2 }));
}

class Chapters {
  readonly #scenario: YearScenario;
  /** Of the first chapter, and when its action item is due. */
  #incident = "";
  #due = new Date(0);

  constructor(scenario: YearScenario) {
    this.#scenario = scenario;
  }

  async committed(): Promise<string> {
    const { time, practice, length } = this.#scenario;
    const known = await this.#scenario.incidents();
    await this.#scenario.breaksPrimary();
    for (let n = 0; n < 3; n++) await practice.sendAlert("PrimaryDown", "firing");
    const incident = await this.#scenario.declaredSince(known);
    this.#incident = incident;
    await this.#scenario.plays("failover database --unplanned", "database-failover");
    await this.#scenario.killBoth("a move is on probation");
    await practice.sendAlert("PrimaryDown", "resolved");
    await this.#scenario.passes(31 * 60);
    await time.recorded(incident, "that the probation is over", ({ type }) => type === "probation.ended");
    const committed = await this.#scenario.told(SAM, "/dr commit The other machine stays off", /is committed/);
    await this.#scenario.plays("restore database", "database-rejoin");
    this.#due = new Date((await time.now()).getTime() + DUE_DAYS[length] * DAY_MS);
    const due = this.#due.toISOString().slice(0, 10);
    await this.#scenario.told(
      SAM,
      `/dr action add Buy a second power supply --owner <@${ALEX}> --due ${due} --incident ${incident}`,
      /Action item added/,
    );
    return firstLine(committed);
  }

  async failedBack(): Promise<string> {
    await this.#scenario.plays("failover database", "database-failover");
    await this.#scenario.plays("restore database", "database-rejoin");
    const back = await this.#scenario.plays("failback", "database-failover");
    await this.#scenario.plays("restore database", "database-rejoin");
    return `failed back in ${back.seconds} s`;
  }

  /** Its approver proves who she is with a code. */
  async surprise(): Promise<string> {
    await this.#scenario.breaksPrimary();
    const known = await this.#scenario.incidents();
    await this.#scenario.told(TONI, "/dr calendar start region", /requested/);
    const incident = await this.#scenario.declaredSince(known);
    const started = { occasion: "region", slot: "", incident, run: await this.#runOf(incident) };
    await this.#scenario.answers(started, "region-failover", TONI);
    await this.#scenario.plays("restore database", "database-rejoin");
    return "the region was left by an approval with a code";
  }

  async drilled(): Promise<string> {
    const slot = await this.#scenario.nextDrill();
    await this.#scenario.passTo(new Date(slot.getTime() - 7 * DAY_MS + 60_000));
    await this.#scenario.ofDrill("occasion.announced", slot);
    await this.#scenario.killBoth("a drill is announced");
    await this.#scenario.passTo(new Date(slot.getTime() - DAY_MS - 60_000));
    // Its moment passes while there is no bot.
    await this.#scenario.killBoth("a reminder is due", () => this.#scenario.practice.clock.moveForward(120));
    await this.#scenario.ofDrill("occasion.reminded", slot);
    await this.#scenario.passTo(new Date(slot.getTime() + HOUR_SECONDS * 1000));
    const types = ["announced", "reminded", "started", "done"].map((what) => `occasion.${what}`);
    for (const type of types) await this.#scenario.ofDrill(type, slot);
    return `planned for ${slot.toISOString().slice(0, 16)}, with ${types.length} events of its own`;
  }

  async missed(): Promise<string> {
    const { time } = this.#scenario;
    const { takesSeconds } = this.#scenario.occasion("failover");
    const slot = await this.#scenario.nextDrill();
    await this.#scenario.passTo(new Date(slot.getTime() - HOUR_SECONDS * 1000));
    const known = await this.#scenario.incidents();
    await this.#scenario.told(SAM, "/dr declare P2 Some orders come twice", /INC-/);
    const opened = await this.#scenario.declaredSince(known);
    await time.jump(HOUR_SECONDS + 60);
    await time.jump(takesSeconds);
    const missed = await this.#scenario.ofDrill("occasion.missed", slot);
    await this.#scenario.told(SAM, `/dr resolve --anyway No order comes twice. --incident ${opened}`, /is resolved/);
    return (missed.data as { reason: string }).reason;
  }

  async walked(): Promise<string> {
    const { time } = this.#scenario;
    const denied = await this.#requested("/dr runbook database-failover --planned");
    await time.recorded(denied.incident, "that approval is requested", ({ type }) => type === "gate.opened");
    await this.#scenario.told(SAM, `/dr deny ${denied.run} Not while orders peak`, /You denied/);
    await this.#scenario.told(SAM, `/dr abort ${denied.run} Another afternoon`, /aborted/i);
    await time.recorded(denied.incident, "that it was aborted", ({ type }) => type === "run.aborted");
    const walk = await this.#requested("/dr runbook database-failover --tabletop");
    await this.#scenario.answers({ occasion: "a tabletop", slot: "", ...walk }, "a walk", ALEX);
    return "aborted before anything was changed; walked without touching anything";
  }

  /**
   * Readiness names who left, in the record and in the channel; and a run that only she would have decided is decided by the next in the
   * chain. Both bots die while it waits for that, and again when the old primary is being fenced: whichever starts first goes on.
   */
  async leaves(): Promise<string> {
    const { practice } = this.#scenario;
    practice.workspace.faults("deactivate", { user: VERA });
    // Everyone on a roster is looked up once an hour.
    await this.#scenario.passes(2 * HOUR_SECONDS);
    const left = await this.#untilSeatsSay(/Vera Lindqvist \([^)]*deactivated[^)]*\)/);
    const found = await this.#scenario.recordedWhilePassing(this.#scenario.readiness, isNotReady);
    this.#scenario.hasLeft("vera-lindqvist", found.at);
    const finding = (found.data as Readiness).findings.find(({ says }) => LEFT.test(says))?.says ?? "";
    await this.#scenario.shown(({ text }) => /not ready/.test(text) && LEFT.test(text));
    const approvedBy = await this.#decidedByTheNext();
    return `${left}; not ready: ${finding}; approved by ${approvedBy}`;
  }

  /** @returns who approved, person id */
  async #decidedByTheNext(): Promise<string> {
    const { time } = this.#scenario;
    const { incident, run } = await this.#requested("/dr runbook region-failover --planned");
    await time.recorded(incident, "that approval is requested", ({ type }) => type === "gate.opened");
    await this.#scenario.killBoth("a run waits for approval");
    const played = this.#scenario.answers({ occasion: "region", slot: "", incident, run }, "region-failover", ALEX);
    const isFencing = ({ type, data }: StoredEvent) =>
      type === "step.started" && (data as { step: string }).step === "fence";
    await time.recorded(incident, "the first change of the run", isFencing);
    await this.#scenario.killBoth("a run is in the middle of a change");
    await played;
    await this.#scenario.plays("restore database", "database-rejoin");
    const approved = await time.recorded(incident, "who approved", ({ type }) => type === "gate.approved");
    const { actor } = approved as { actor: { person?: string } };
    return actor.person ?? JSON.stringify(actor);
  }

  async overdue(): Promise<string> {
    await this.#scenario.passTo(new Date(this.#due.getTime() + DAY_MS));
    const isDue = ({ type }: StoredEvent) => type === "action.reminded";
    await this.#scenario.time.recorded(this.#incident, "that the action item is due", isDue);
    return this.#scenario.told(SAM, `/dr action done ${this.#incident}/A1 Built in and tested`, /is done/);
  }

  async down(): Promise<string> {
    const before = await this.#scenario.time.now();
    await this.#scenario.killBoth("nothing goes on", () =>
      this.#scenario.practice.clock.moveForward(96 * HOUR_SECONDS),
    );
    await this.#scenario.time.settled();
    const hasExpired = ({ type, at, data }: StoredEvent) =>
      type === "readiness.changed" && at > before && "unprovenSince" in (data as object);
    const expired = await this.#scenario.time.recorded(
      this.#scenario.readiness,
      "that proofs have expired",
      hasExpired,
    );
    return `unproven since ${(expired.data as { unprovenSince: string }).unprovenSince.slice(0, 10)}`;
  }

  async signedOff(): Promise<string> {
    const says = "/dr sign-off The record is complete, and its action item is closed";
    return this.#scenario.told(SAM, `${says} --incident ${this.#incident}`, /is signed off/);
  }

  async #requested(line: string): Promise<{ readonly incident: string; readonly run: string }> {
    const known = await this.#scenario.incidents();
    await this.#scenario.told(ALEX, line, /requested/);
    const incident = await this.#scenario.declaredSince(known);
    return { incident, run: await this.#runOf(incident) };
  }

  async #runOf(incident: string): Promise<string> {
    const isRequest = ({ type }: StoredEvent) => type === "run.requested";
    const { run } = await this.#scenario.time.recorded(incident, "that it was requested", isRequest);
    return run ?? "";
  }

  async #untilSeatsSay(expected: RegExp): Promise<string> {
    const until = performance.now() + 120_000;
    for (;;) {
      const says = await this.#scenario.told(SAM, "/dr seats", /VP Engineering/);
      const found = expected.exec(says)?.[0];
      if (found !== undefined) return found;
      if (performance.now() > until) throw new Error(`It is not shown that she left: ${says}`);
    }
  }
}

const LEFT = /Vera Lindqvist: [^;)]*deactivated/;

interface Readiness {
  readonly to: string;
  readonly findings: readonly { readonly says: string }[];
}

function isNotReady({ type, data }: StoredEvent): boolean {
  const { to, findings = [] } = data as Readiness;
  if (type !== "readiness.changed" || to !== "notReady") return false;
  return findings.some(({ says }) => LEFT.test(says));
}

function firstLine(says: string): string {
  return says.split("\n")[0] ?? says;
}
