import { setTimeout as pause } from "node:timers/promises";
import { LifeboatError, messageOf } from "../../src/lib/errors.ts";
import type { SystemEnvironment } from "../environment/system-environment.ts";
import type { Message, Outcome, View } from "../slack/index.ts";
import { Authenticator } from "./authenticator.ts";
import { type Filling, fillsIn, heard, isTo, seenIn } from "./heard.ts";
import { type InvariantMonitor, monitorInvariant, type Violation } from "./invariant.ts";
import { isOnlyDrill, membersOf, requesterOf } from "./personas.ts";
import { type Phones, phonesOf, unenroll } from "./phones.ts";
import type { Practice } from "./practice.ts";
import { type RunRecord, recordOf } from "./record.ts";
import type { RunReport } from "./run-report.ts";
import { asksForMore, buttonOf, type Call, callOf, isReplyTo, isRootOf } from "./thread.ts";
import { typedInputs } from "./typed-inputs.ts";

export interface PlayOptions {
  /** Its id in the system that is practised: `database-failover`. */
  readonly runbook: string;
  readonly mode: "planned" | "unplanned";
  /** What is said of its inputs, as it is typed; what is left out here the environment says. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** How long it may take from the request to its end, the time people and machines need together. */
  readonly seconds: number;
  /** False: the world is left as it is, instead of brought to where the runbook begins. */
  readonly prepare?: boolean;
  /** True: when it is over, the post-mortem is drafted too. */
  readonly postmortem?: boolean;
}

export interface Play {
  /** Its id; null when no run was requested. */
  readonly run: string | null;
  /** `stopped` also when nothing was started at all. */
  readonly outcome: RunReport["outcome"];
  /** True: nothing was started, either because of what was typed or because of what preflight saw. */
  readonly refused: boolean;
  /** True: it was refused first, as a second move within the hour, and requested again with a reason. */
  readonly refusedAgain: boolean;
  /** In the words of the screen, why it did not end well; null when it did. */
  readonly problem: string | null;
  /** What the timeline says of it; null when no run was requested. */
  readonly report: RunReport | null;
  readonly timeline: RunRecord["timeline"] | null;
  /** What its newest preflight found wrong; the thread has the first, "Details" has all. */
  readonly findings: readonly string[];
  /** Everything its thread says at the end, in order. */
  readonly texts: readonly string[];
  /** Name of the post-mortem's file, or null. */
  readonly postmortem: string | null;
  /** What was not true of the world that has to be, while it was played and when it had ended. */
  readonly violations: readonly Violation[];
  /** From the request to the end, as someone with a watch would say. */
  readonly seconds: number;
}

export type Played = Pick<
  Practice<SystemEnvironment>,
  "system" | "systemFolder" | "workspace" | "environment" | "dataFolder"
>;

/**
 * Plays one runbook of the system that is practised, whichever it is, the way people would: someone whose approval it does
 * not need asks for it, each question is answered by those it says it waits for (with the codes of their authenticators
 * where it needs them), what it leaves to people is done and confirmed, until it ends or stops and asks what to do. Then
 * the incident is closed, so that the next play begins with none open. It knows the roster to choose who asks; everything
 * else is read off the screen. Never throws for what a run does: that is told in `problem`.
 *
 * In a test of a system, with one practice for all its runbooks:
 *
 *     const practice = await startPractice({ system: "sav3", … });
 *     const play = await playRunbook(practice, { runbook: "redis-failover", mode: "unplanned", seconds: 60 });
 *     expect(play).toMatchObject({ outcome: "verified", problem: null });
 *     expect(play.report?.rpo.rowsLost).toBe(0);
 */
export async function playRunbook(practice: Played, options: PlayOptions): Promise<Play> {
  const { runbook, mode, seconds, postmortem = false } = options;
  const { environment } = practice;
  if (options.prepare !== false) await environment.prepare(runbook, mode);
  const monitor = await monitorInvariant(environment);
  try {
    const inputs = typedInputs({ ...environment.inputs?.(runbook), ...options.inputs });
    const drill = isOnlyDrill(practice.systemFolder, runbook) ? " --drill" : "";
    const line = `runbook ${runbook}${inputs} --${mode}${drill}`;
    return await playLine(practice, { line, runbook, seconds, postmortem, monitor });
  } finally {
    await monitor.stop();
  }
}

export interface LineOptions {
  /** As typed after `/dr`: what starts a run. */
  readonly line: string;
  /** The runbook it starts. */
  readonly runbook: string;
  readonly seconds: number;
  readonly postmortem: boolean;
  /** Looks at the world meanwhile; what it saw during this line is told with it. */
  readonly monitor: InvariantMonitor;
}

/** Plays one line in the world as it is; see `playRunbook`. */
export async function playLine(practice: Played, options: LineOptions): Promise<Play> {
  const { line, runbook, seconds, postmortem, monitor } = options;
  const requester = requesterOf(practice.systemFolder, runbook, membersOf(practice.workspace));
  const player = new Player(practice, runbook, requester, seconds);
  return observed(monitor, runbook, () => player.play(line, postmortem));
}

export interface StartedOptions extends Omit<LineOptions, "line" | "postmortem"> {
  readonly run: string;
  /** Who requested it, by account: they can't approve it. */
  readonly requester: string;
}

/** Answers a run that something else started, such as the calendar, as `playLine` answers its own. */
export async function playStarted(practice: Played, options: StartedOptions): Promise<Play> {
  const { run, runbook, requester, seconds, monitor } = options;
  const player = new Player(practice, runbook, requester, seconds);
  return observed(monitor, runbook, () => player.follow(run));
}

async function observed(monitor: InvariantMonitor, runbook: string, play: () => Promise<PlayedLine>): Promise<Play> {
  const before = monitor.violations.length;
  await monitor.begins();
  const { record, ...played } = await play();
  await monitor.ended({
    runbook,
    verified: played.outcome === "verified" && played.problem === null,
    changes: record?.changes ?? false,
    rowsLost: record?.report.rpo.rowsLost ?? null,
    marks: record?.marks ?? [],
  });
  const violations = monitor.violations.slice(before);
  return { ...played, violations, problem: played.problem ?? violations[0]?.saw ?? null };
}

/** Types a line that starts no run, as the one who asks for this runbook would, and gives the answer. */
export function sayLine(practice: Played, line: string, runbook: string, seconds: number): Promise<string> {
  const requester = requesterOf(practice.systemFolder, runbook, membersOf(practice.workspace));
  return new Player(practice, runbook, requester, seconds).say(line);
}

class Player {
  readonly #practice: Played;
  readonly #runbook: string;
  readonly #requester: string;
  readonly #members: ReadonlySet<string>;
  readonly #phones: Phones;
  readonly #began = performance.now();
  readonly #until: number;
  /** Question → who has answered it already. */
  readonly #answered = new Map<string, Set<string>>();
  readonly #refused = new Map<string, string[]>();
  readonly #byHand = new Set<string>();
  /** Question → whom it waited for when the next level was asked. */
  readonly #risen = new Map<string, string>();

  constructor(practice: Played, runbook: string, requester: string, seconds: number) {
    this.#practice = practice;
    this.#runbook = runbook;
    this.#requester = requester;
    this.#members = membersOf(practice.workspace);
    this.#until = this.#began + seconds * 1000;
    this.#phones = phonesOf(practice.dataFolder);
  }

  say(line: string): Promise<string> {
    return this.#tell(this.#requester, `/dr ${line}`);
  }

  async play(line: string, postmortem: boolean): Promise<PlayedLine> {
    const first = await this.#tell(this.#requester, `/dr ${line}`);
    // What was moved shortly before is refused until a reason is given; a play always has one.
    const refusedAgain = MOVED_BEFORE.test(first);
    const asked = refusedAgain
      ? await this.#tell(this.#requester, `/dr ${line} --again "Played one after the other in practice"`)
      : first;
    const run = REQUESTED.exec(asked)?.[1];
    if (run === undefined) return { ...NOTHING, problem: asked, texts: [asked], seconds: this.#elapsed() };
    return { ...(await this.follow(run, postmortem, [asked])), refusedAgain };
  }

  /** @param said what its requester was told, where nothing of its thread can be shown */
  async follow(run: string, postmortem = false, said: readonly string[] = []): Promise<PlayedLine> {
    let root: Message | null = null;
    let problem: string | null;
    try {
      root = await this.#see((message) => isRootOf(message, run));
      problem = await this.#untilOver(root);
    } catch (error) {
      problem = messageOf(error);
    }
    const seconds = this.#elapsed();
    const record = await recordOf(this.#practice.dataFolder, run);
    const closed = root === null ? null : await this.#close(root, run, problem, postmortem);
    const outcome = record?.report.outcome ?? "stopped";
    return {
      ...{ run, outcome },
      refused: problem !== null && record?.begun === false,
      problem: problem ?? (outcome === "verified" ? null : `The run is ${outcome}`),
      report: record?.report ?? null,
      timeline: record?.timeline ?? null,
      findings: record?.findings ?? [],
      texts: closed?.texts ?? said,
      refusedAgain: false,
      postmortem: closed?.postmortem ?? null,
      seconds,
      record,
    };
  }

  /** @returns what stands in the way, or null when it ended verified */
  async #untilOver(root: Message): Promise<string | null> {
    for (;;) {
      const card = await this.#see((message) => isReplyTo(message, root) && this.#isMine(message));
      const call = callOf(card);
      if (call === null) continue;
      switch (call.kind) {
        case "over":
          return call.verified ? null : call.says;
        case "problem":
          return call.says;
        case "gate":
          await this.#answer(card, call);
          break;
        case "by hand":
          await this.#doByHand(card, call);
          break;
        default:
          call satisfies never;
      }
    }
  }

  #isMine(message: Message): boolean {
    const call = callOf(message);
    if (call === null) return false;
    if (call.kind === "by hand") return !this.#byHand.has(call.step);
    if (call.kind === "gate") return this.#nextFor(call) !== undefined || this.#isStuck(call);
    return true;
  }

  /** Who has not answered yet of those it waits for. While an answer is being counted, no one: it may be the last that was needed. */
  #nextFor(call: Call & { kind: "gate" }): string | undefined {
    const answered = this.#answered.get(call.ask);
    if (!this.#isCounted(call)) return undefined;
    return call.people.find((one) => one !== this.#requester && this.#members.has(one) && !answered?.has(one));
  }

  /** No one it waits for can give it. While one who did is being counted, that is not so. */
  #isStuck(call: Call & { kind: "gate" }): boolean {
    return this.#isCounted(call) && this.#risen.get(call.ask) !== call.people.join();
  }

  /** The card shows all approvals that were given here. */
  #isCounted({ ask, given }: Call & { kind: "gate" }): boolean {
    const refused = this.#refused.get(ask)?.length ?? 0;
    const answered = this.#answered.get(ask)?.size ?? 0;
    return answered - refused === given;
  }

  async #answer(card: Message, call: Call & { kind: "gate" }): Promise<void> {
    const { ask, needsCode, opensForm } = call;
    const user = this.#nextFor(call);
    if (user === undefined) return this.#rise(card, call);
    const person = this.#practice.workspace.as(user);
    if (needsCode) await this.#hasCode(user);
    let says: string;
    try {
      says = await this.#heard(user, async () => {
        const before = this.#seen();
        const toThem = (message: Message) => isTo(user, message) && !before(message);
        if (!opensForm) return person.click(card, "gate.approve", { confirm: true });
        const pressed = await person.click(card, "gate.approve");
        if (!pressed.ok) return pressed;
        const form = await this.#lastPage(person, toThem);
        if (form === null) return pressed;
        if (form.callback_id !== "gate.approve") throw new NoLongerAsked(form);
        return person.submit(form, needsCode ? { code: await (this.#phones.get(user) as Authenticator).code() } : {});
      });
    } catch (error) {
      if (!(error instanceof NoLongerAsked)) throw error;
      // The thread shows what is next.
      await person.dismiss(error.form);
      return;
    }
    this.#answered.set(ask, (this.#answered.get(ask) ?? new Set()).add(user));
    if (!/is recorded/.test(says)) this.#refused.set(ask, [...(this.#refused.get(ask) ?? []), `${user}: ${says}`]);
  }

  /**
   * Pages through a plan that is longer than its card. On its last page it can be approved, while it is still asked. Null: the press was
   * answered in words.
   */
  async #lastPage(
    person: ReturnType<Practice["workspace"]["as"]>,
    isAnswer: (message: Message) => boolean,
  ): Promise<View | null> {
    let seen = "";
    for (;;) {
      const shown = await person.waitForViewOrMessage(
        (view: View) =>
          ["gate.approve", "plan.steps"].includes(view.callback_id) && JSON.stringify(view.blocks) !== seen,
        isAnswer,
        this.#left(),
      );
      if ("message" in shown) return null;
      const page = shown.view;
      if (page.callback_id === "gate.approve" || !JSON.stringify(page.blocks).includes('"plan.next')) return page;
      seen = JSON.stringify(page.blocks);
      await person.click(page, "plan.next");
    }
  }

  /** No one asked so far can give it: the next level is asked now. */
  async #rise(card: Message, { ask, people }: Call & { kind: "gate" }): Promise<void> {
    const why = this.#refused.get(ask)?.join("; ") ?? "no one it waits for is in the practice workspace";
    if (!buttonOf(card, "gate.escalate"))
      throw new LifeboatError({ code: "gate-stuck", where: card.text, what: `It can't be approved: ${why}` });
    this.#risen.set(ask, people.join());
    await this.#fillsIn(this.#requester, {
      press: (person) => person.click(card, "gate.escalate"),
      form: "gate.escalate",
      filled: async () => ({ reason: why.slice(0, 400) }),
    });
  }

  async #doByHand(card: Message, { step, people }: Call & { kind: "by hand" }): Promise<void> {
    const user = people.length === 0 ? this.#requester : people.find((one) => this.#members.has(one));
    if (user === undefined)
      throw new LifeboatError({
        code: "by-hand-nobody",
        where: card.text,
        what: "No one here may confirm that it is done",
      });
    await this.#practice.environment.byHand?.(this.#runbook, step);
    const says = await this.#fillsIn(user, {
      press: (person) => person.click(card, "step.confirm"),
      form: "step.confirm",
      filled: async () => ({ note: "Done as written, and looked at: it is so." }),
    });
    if (!/ is done\. /.test(says)) throw new LifeboatError({ code: "by-hand-refused", where: card.text, what: says });
    this.#byHand.add(step);
  }

  /** A code counts once, and the next one comes within 30 s. Instead of waiting for it, another phone is enrolled. */
  async #hasCode(user: string): Promise<void> {
    const phone = this.#phones.get(user);
    if (phone?.waits === 0) return;
    if (phone !== undefined) await unenroll(this.#practice, user);
    await this.#enroll(user);
  }

  async #enroll(user: string): Promise<void> {
    const says = await this.#fillsIn(user, {
      press: (person) => person.slash("/dr enroll"),
      form: "enroll",
      filled: async (form) => {
        const secret = /`((?:[A-Z2-7]{4} ?)+)`/.exec(JSON.stringify(form.blocks))?.[1]?.replaceAll(" ", "") ?? "";
        const phone = new Authenticator(secret);
        this.#phones.set(user, phone);
        return { code: await phone.code() };
      },
    });
    if (!/Your authenticator is set up/.test(says))
      throw new LifeboatError({ code: "not-enrolled", where: user, what: says });
  }

  /** Ends what has not ended and closes the incident. Best effort: the play is over. */
  async #close(root: Message, run: string, problem: string | null, wantsPostmortem: boolean) {
    const { workspace } = this.#practice;
    const thread = () =>
      workspace.snapshot().messages.filter((message) => message.ts === root.ts || isReplyTo(message, root));
    if (problem === null) await this.#untilDrawn(thread);
    const texts = thread().map(({ text }) => text);
    const before = this.#seen();
    let postmortem: string | null = null;
    try {
      if (problem !== null) await this.#tell(this.#requester, `/dr abort ${run} the play is over`, root.channel, 15);
      await this.#untilResolved(root.channel);
      if (wantsPostmortem && problem === null) {
        await workspace.as(this.#requester).slash("/dr postmortem", root.channel);
        const isDocument = (one: Message) =>
          one.channel === root.channel && !before(one) && (one.files ?? []).length > 0;
        const document = await workspace.as(this.#requester).waitForMessage(isDocument, 30_000);
        postmortem = document.files?.[0]?.name ?? null;
      }
    } catch (error) {
      texts.push(`The incident was not closed: ${messageOf(error)}`);
    }
    return { texts, postmortem };
  }

  /** That a run is over is said before what was asked on its way is drawn as answered. */
  async #untilDrawn(thread: () => readonly Message[]): Promise<void> {
    const until = performance.now() + 10_000;
    while (performance.now() < until && thread().some(asksForMore)) await pause(50);
  }

  /** A run that was told to end does so when its step under way has; until then resolving is refused. */
  async #untilResolved(channel: string): Promise<void> {
    const until = performance.now() + 30_000;
    for (;;) {
      const says = await this.#tell(this.#requester, "/dr resolve --anyway The play is over.", channel, 15);
      // Maintenance ends with its run.
      if (/is resolved\.|No open incidents/.test(says)) return;
      if (performance.now() > until) throw new LifeboatError({ code: "not-resolved", what: says });
      await pause(500);
    }
  }

  #fillsIn(user: string, filling: Filling): Promise<string> {
    return fillsIn(this.#practice.workspace, user, filling, this.#until);
  }

  /** Types a command, and gives what the typist is told. */
  #tell(user: string, words: string, channel?: string, seconds?: number): Promise<string> {
    return this.#heard(user, () => this.#practice.workspace.as(user).slash(words, channel), seconds);
  }

  #heard(user: string, userAction: () => Promise<Outcome>, seconds?: number): Promise<string> {
    const until = seconds === undefined ? this.#until : performance.now() + seconds * 1000;
    return heard(this.#practice.workspace, user, userAction, until);
  }

  #seen(): (message: Message) => boolean {
    return seenIn(this.#practice.workspace);
  }

  #see(predicate: (message: Message) => boolean): Promise<Message> {
    return this.#practice.workspace.as(this.#requester).waitForMessage(predicate, this.#left());
  }

  #left(): number {
    return Math.max(1, this.#until - performance.now());
  }

  #elapsed(): number {
    return Math.round((performance.now() - this.#began) / 100) / 10;
  }
}

type PlayedLine = Omit<Play, "violations"> & { readonly record: RunRecord | null };

/** The answer to a request that was taken names the run. One that was refused names the run that holds the target, if any. */
const REQUESTED = /\((run-[a-z0-9]+)\) (?:is asked for|requested)/;
const MOVED_BEFORE = /another move needs a reason/;
const NOTHING = {
  run: null,
  refusedAgain: false,
  findings: [],
  outcome: "stopped",
  refused: true,
  report: null,
  timeline: null,
  postmortem: null,
  record: null,
} as const;

/** Decided, or asked again, while someone read what they were to approve. */
class NoLongerAsked extends Error {
  readonly form: View;

  constructor(form: View) {
    super(`${form.callback_id}: there is nothing to approve any more`);
    this.form = form;
  }
}
