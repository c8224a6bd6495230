import { setTimeout as pause } from "node:timers/promises";
import type { InvariantMonitor } from "../../practice/session/invariant.ts";
import { recordIn } from "../../practice/session/record.ts";
import { buttonOf, callOf, isReplyTo, isRootOf } from "../../practice/session/thread.ts";
import type { Message } from "../../practice/slack/index.ts";
import type { Random } from "../support/random.ts";
import type { Diary } from "./diary.ts";
import type { SoakEnvironment } from "./environment.ts";

/** A run is told to end when it takes this long, and counts as one that waits for ever when it hasn't then. */
const PATIENCE_MS = 120_000;
const ABORT_MS = 120_000;
const LOOK_MS = 300;
const AGAIN = '--again "One soak, one run after the other"';

interface OpenRun {
  readonly id: string;
  readonly since: number;
  /** Of this run, by its answerers: a question is dealt with once in each way. */
  readonly dealtWith: Set<string>;
  /** The first message of its thread; null: it wasn't seen so far. */
  root: Message | null;
  abortedAt: number | null;
  isLost: boolean;
}

/** Requests runs one after the other, and deals with every run that is open, also those that others began. */
export class Runs {
  readonly #world: SoakEnvironment;
  readonly #random: Random;
  readonly #diary: Diary;
  readonly #monitor: InvariantMonitor;
  readonly #open = new Map<string, OpenRun>();
  readonly #over = new Set<string>();

  readonly #say: (line: string) => void;

  constructor(
    world: SoakEnvironment,
    random: Random,
    diary: Diary,
    monitor: InvariantMonitor,
    say: (line: string) => void,
  ) {
    this.#say = say;
    this.#world = world;
    this.#random = random;
    this.#diary = diary;
    this.#monitor = monitor;
  }

  get ended(): number {
    return this.#over.size;
  }

  async play(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#look();
      if (this.#open.size === 0 && this.#random.chance(0.5)) await this.#request();
      for (const run of this.#open.values()) await this.#deal(run).catch(() => {});
      await pause(LOOK_MS);
    }
  }

  /** All is well again: every run that is still open is told to end, and does. */
  async finish(): Promise<void> {
    const until = performance.now() + ABORT_MS;
    for (;;) {
      await this.#look();
      if (this.#open.size === 0) return;
      if (performance.now() > until) break;
      for (const run of this.#open.values()) await this.#abort(run).catch(() => {});
      await pause(1000);
    }
    for (const { id } of this.#open.values())
      this.#diary.complaints.push({ invariant: "I10", says: `${id} did not end when it was told to` });
  }

  async #look(): Promise<void> {
    const rows = await this.#rows();
    for (const { id, done } of rows) {
      if (done && !this.#over.has(id)) {
        this.#over.add(id);
        this.#open.delete(id);
        await this.#ended(id);
      }
      if (!done && !this.#open.has(id)) {
        const since = performance.now();
        this.#open.set(id, { id, since, dealtWith: new Set(), root: null, abortedAt: null, isLost: false });
      }
    }
  }

  async #rows(): Promise<readonly { id: string; done: boolean }[]> {
    const sql = "select id, done from lifeboat.run order by id";
    return this.#world.store.pool.query<{ id: string; done: boolean }>(sql).then(
      ({ rows }) => rows,
      () => [],
    );
  }

  async #ended(id: string): Promise<void> {
    const record = await recordIn(this.#world.store.timeline, id);
    if (record === null) return;
    const { outcome, runbook } = record.report;
    this.#diary.did(`run ${outcome}`);
    this.#say(`  ${id}, ${runbook}: ${outcome}`);
    await this.#monitor.ended({
      ...{ runbook, verified: outcome === "verified", changes: record.changes, marks: record.marks },
      rowsLost: record.report.rpo.rowsLost,
    });
  }

  /** Where several are open, it is said which is meant. */
  async #whichIncident(): Promise<string> {
    const sql = `select stream from (select distinct on (stream) stream, type from lifeboat.event
                   where type in ('incident.declared', 'incident.resolved', 'incident.reopened', 'incident.closed')
                   order by stream, version desc) as newest where type in ('incident.declared', 'incident.reopened')`;
    const open = await this.#world.store.pool.query<{ stream: string }>(sql).then(
      ({ rows }) => rows.map(({ stream }) => stream),
      () => [],
    );
    return open.length === 0 ? "" : ` --incident ${this.#random.one(open)}`;
  }

  /** What is possible depends on what the pair looks like now. */
  async #request(): Promise<void> {
    const { environment } = this.#world.practice;
    const state = await environment.state();
    const isWhole =
      state.nodes.some(({ role, readOnly }) => role === "primary" && !readOnly) &&
      state.nodes.some(({ role, streaming }) => role === "standby" && streaming === true);
    const [what, words] = isWhole ? await this.#onPair() : await this.#onBroken();
    await this.#monitor.begins();
    this.#diary.did(what);
    this.#say(`  ${what}`);
    await this.#type("UALEX", `${words}${await this.#whichIncident()}`);
    // Until it is seen in the store; nothing else is requested meanwhile.
    const until = performance.now() + 5000;
    while (this.#open.size === 0 && performance.now() < until) {
      await this.#look();
      await pause(LOOK_MS);
    }
  }

  async #onPair(): Promise<[string, string]> {
    const { environment } = this.#world.practice;
    const drawn = this.#random.int(12);
    if (drawn < 5) return ["failover, planned", `/dr failover database --planned ${AGAIN}`];
    if (drawn < 9) {
      const fault = this.#random.one(["kill-primary", "stall-and-kill-primary", "freeze-primary"] as const);
      await this.#monitor.faultInjected(() => environment.injectFault(fault).catch(() => {}), false);
      return [`failover, ${fault}`, `/dr failover database --unplanned ${AGAIN}`];
    }
    if (drawn < 10) return ["dry run", "/dr failover database --dry-run"];
    if (drawn < 11) return ["drill", `/dr failover database --drill ${AGAIN}`];
    return ["check", "/dr runbook database-check"];
  }

  async #onBroken(): Promise<[string, string]> {
    const { environment } = this.#world.practice;
    for (const fault of ["thaw-primary", "restart-primary", "resume-replication"] as const)
      await this.#monitor.faultInjected(() => environment.injectFault(fault).catch(() => {}), true);
    // A pair that has come back whole by itself is told so, and nothing is rebuilt.
    return ["restore", "/dr restore database"];
  }

  async #deal(run: OpenRun): Promise<void> {
    const age = performance.now() - run.since;
    if (run.abortedAt !== null || age > PATIENCE_MS) return this.#abort(run);
    const { messages } = this.#world.practice.workspace.snapshot();
    run.root ??= messages.find((message) => isRootOf(message, run.id)) ?? null;
    const { root } = run;
    if (root === null) return;
    if (this.#random.chance(0.01)) return this.#abort(run);
    if (this.#random.chance(0.02)) await this.#pauseAndResume(run, root.channel);
    for (const card of messages.filter((message) => isReplyTo(message, root))) {
      const call = callOf(card);
      if (call?.kind === "gate" && !run.dealtWith.has(call.ask)) return this.#answer(run, card, call.ask);
      if (call?.kind === "problem" && !run.dealtWith.has(card.ts)) return this.#solve(run, card);
    }
  }

  async #answer(run: OpenRun, card: Message, ask: string): Promise<void> {
    run.dealtWith.add(ask);
    this.#say(`  ${run.id} asks`);
    const { workspace } = this.#world.practice;
    const click = (user: string) =>
      workspace
        .as(user)
        .click(card, "gate.approve", { confirm: true })
        .catch(() => null);
    const drawn = this.#random.int(20);
    // Who may not is refused, or the auditor finds it.
    if (drawn < 6) await click(this.#random.one(["UALEX", "UGIL", "UDANA", "UCASS"]));
    if (drawn === 19) return void this.#diary.did("left unanswered");
    if (drawn === 18) {
      this.#diary.did("denied");
      return this.#type("USAM", `/dr deny ${run.id} Not now`, card.channel);
    }
    this.#diary.did("approved");
    const clicks = this.#random.chance(0.3) ? [click("USAM"), click("USAM")] : [click("USAM")];
    const outcomes = await Promise.all(clicks);
    // What wasn't heard is pressed again later, as a person does.
    if (!outcomes.some((outcome) => outcome?.ok)) run.dealtWith.delete(ask);
    else setTimeout(() => run.dealtWith.delete(ask), 8000).unref();
  }

  async #solve(run: OpenRun, card: Message): Promise<void> {
    run.dealtWith.add(card.ts);
    this.#say(`  ${run.id}: ${card.text.slice(0, 300)}`);
    if (!buttonOf(card, "step.retry") || this.#random.chance(0.4)) return this.#abort(run);
    this.#diary.did("retried");
    await this.#world.practice.workspace.as("USAM").click(card, "step.retry", { confirm: true });
    setTimeout(() => run.dealtWith.delete(card.ts), 5000).unref();
  }

  async #pauseAndResume(run: OpenRun, channel: string): Promise<void> {
    this.#diary.did("paused");
    await this.#type("USAM", `/dr pause ${run.id} A look first`, channel);
    await pause(this.#random.between(200, 2000));
    await this.#type("USAM", `/dr resume ${run.id}`, channel);
  }

  /** Again and again, until it is over; who waits too long says so. */
  async #abort(run: OpenRun): Promise<void> {
    if (run.abortedAt === null) {
      run.abortedAt = performance.now();
      this.#diary.did("aborted");
      this.#say(`  ${run.id} is aborted`);
    }
    if (performance.now() - run.abortedAt > ABORT_MS && !run.isLost) {
      run.isLost = true;
      this.#diary.complaints.push({ invariant: "I10", says: `${run.id} did not end within ${ABORT_MS / 1000} s` });
    }
    await this.#type("USAM", `/dr abort ${run.id} It takes too long`);
    await pause(1000);
  }

  async #type(user: string, words: string, channel?: string): Promise<void> {
    await this.#world.practice.workspace.as(user).slash(words, channel);
  }
}
