import { randomUUID } from "node:crypto";
import type { System } from "../catalog/types.ts";
import { lentNow } from "../incident/delegation.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { DueItem, Pages } from "../timeline/pages.ts";
import type { PagerDuty } from "./client.ts";
import { deliver } from "./deliver.ts";
import { createOnCall, policyFor, summonsFor } from "./on-call.ts";
import { recordFailed, recordSent, recordSummons } from "./record.ts";
import { PagerDutyTrouble } from "./trouble.ts";
import { isAwaited, type PageWords, type Wanted, wantedPages } from "./wanted.ts";

export interface PagerOptions {
  readonly timeline: Pick<Timeline, "follow" | "decide" | "now">;
  readonly pages: Pages;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  readonly systems: Pick<ReadonlyMap<string, System>, "get" | "values">;
  /** PagerDuty as a system sees it; throws what to set when a secret is missing. */
  readonly account: (system: System) => PagerDuty;
  readonly words: PageWords;
  readonly log: Logger;
  readonly settings?: Partial<PagerSettings>;
}

export interface PagerSettings {
  readonly pollMs: number;
  /** Back-off after a failure: this doubled with each, up to the last. Seconds. */
  readonly firstRetrySeconds: number;
  readonly lastRetrySeconds: number;
  /** How long PagerDuty may take to say who is on call. */
  readonly onCallSeconds: number;
}

const usual: PagerSettings = { pollMs: 1_000, firstRetrySeconds: 1, lastRetrySeconds: 30, onCallSeconds: 3 };
/** What a person has to put right is tried less often. */
const REFUSED_SECONDS = 60;
/** What was over for longer when this process began had its pages ended by another. */
const OVER_SECONDS = 86_400;
const AT_ONCE = 8;
/** More than every call of one delivery together may take. */
const CLAIM_SECONDS = 60;

/**
 * PagerDuty as a projection of the timeline, as Slack is: whenever an incident changes, what should be shown is drawn anew
 * and the difference is told, by whichever process has the page. Nothing waits for it.
 */
export interface Pager {
  start(): void;
  /** Begins nothing more, and takes no failure of what is under way for PagerDuty's. */
  leave(): void;
  stop(): Promise<void>;
}

export function createPager(options: PagerOptions): Pager {
  const { timeline, pages, log } = options;
  const settings = { ...usual, ...options.settings };
  const owner = `pager-${randomUUID()}`;
  const onCall = createOnCall(settings.onCallSeconds);
  const work = new Map<string, { again: boolean; done: Promise<void> }>();
  const asking = new Map<string, Promise<void>>();
  const telling = new Set<Promise<void>>();
  let stopped = false;
  let unfollow: (() => void) | null = null;
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let lookAgain = false;

  /** One drawing of an incident at a time; changes that come meanwhile are drawn once, after it. */
  function changed(stream: string): void {
    if (stopped || !stream.startsWith("inc-")) return;
    const running = work.get(stream);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const entry = { again: false, done: Promise.resolve() };
    work.set(stream, entry);
    entry.done = draw(stream)
      .catch((error) => {
        log.error({ err: error, stream }, "What a pager should show could not be drawn; it is tried again.");
        later(() => changed(stream));
      })
      .finally(() => {
        work.delete(stream);
        if (entry.again) changed(stream);
      });
  }

  async function draw(stream: string): Promise<void> {
    const state = await options.incidents.read(stream);
    const system = options.systems.get(state.declared?.system ?? "");
    if (system?.paging === undefined) return;
    summon(stream, state, system);
    await pages.want(stream, state.version, wantedPages(state, system, options.words, timeline.now()));
    look();
  }

  /** Finds out who is on call for every question that is open and does not say so yet. */
  function summon(stream: string, state: IncidentState, system: System): void {
    for (const run of state.runs.values())
      for (const step of run.steps.values()) {
        if (step.status !== "gate" || !isAwaited(state, run, step.gate)) continue;
        const { gate } = step;
        const { level } = gate;
        const role = level === 0 ? gate.role : (gate.escalate[level - 1]?.role ?? gate.role);
        const about = `${gate.ask}/${level}`;
        if (gate.summons.some((one) => one.level === level) || asking.has(about)) continue;
        const policy = system.paging === undefined ? null : policyFor(role, system.paging);
        const asked = (async () => {
          const answer = policy === null ? null : await onCall(() => options.account(system), policy);
          if (stopped) return;
          const summons = summonsFor({ run, gate, level, role }, system, answer, lentNow(state, timeline.now()));
          await recordSummons(timeline, stream, { run: run.id, step: gate.step, ask: gate.ask }, summons);
        })()
          .catch((error) => {
            log.error({ err: error, stream }, "Who is on call could not be written down; it is tried again.");
            later(() => changed(stream));
          })
          .finally(() => asking.delete(about));
        asking.set(about, asked);
      }
  }

  function look(): void {
    if (stopped) return;
    if (looking !== null) {
      lookAgain = true;
      return;
    }
    looking = take()
      .catch((error) => log.debug({ err: error }, "The pages could not be looked at; it is tried again."))
      .finally(() => {
        looking = null;
        if (!lookAgain) return;
        lookAgain = false;
        look();
      });
  }

  async function take(): Promise<void> {
    if (telling.size >= AT_ONCE) return;
    for (const item of await pages.claim(owner, CLAIM_SECONDS, AT_ONCE - telling.size)) {
      const told = tell(item)
        .catch((error) => log.error({ err: error, page: item.key }, "A page could not be seen to; it is tried again."))
        .finally(() => {
          telling.delete(told);
          look();
        });
      telling.add(told);
    }
  }

  /** The timeline says it before the table does: after a crash between the two it is looked at again, and said once. */
  async function tell(item: DueItem): Promise<void> {
    try {
      if (await deliver(await accountOf(item), item)) await recordSent(timeline, item);
      await pages.told(item, owner);
    } catch (error) {
      log.warn({ page: item.key, failures: item.failures, says: messageOf(error) }, "PagerDuty was not told.");
      await pages.later(item, owner, pauseAfter(error, item.failures), messageOf(error));
      if (rings(item) && !stopped) await recordFailed(timeline, item, error);
    }
  }

  async function accountOf({ stream }: DueItem): Promise<PagerDuty> {
    const state = await options.incidents.read(stream);
    const system = options.systems.get(state.declared?.system ?? "");
    if (system === undefined) throw new Error(`The system of ${stream} is no longer in the catalogue`);
    return options.account(system);
  }

  function pauseAfter(error: unknown, failures: number): number {
    const { firstRetrySeconds, lastRetrySeconds } = settings;
    const doubled = Math.min(lastRetrySeconds, firstRetrySeconds * 2 ** Math.min(failures, 20));
    const jittered = doubled * (0.75 + Math.random() / 2);
    if (!(error instanceof PagerDutyTrouble)) return jittered;
    if (error.afterSeconds !== null) return Math.max(error.afterSeconds, jittered);
    return error.refused ? Math.max(jittered, Math.min(REFUSED_SECONDS, 2 * lastRetrySeconds)) : jittered;
  }

  function later(what: () => void): void {
    setTimeout(what, settings.pollMs).unref();
  }

  return {
    start() {
      unfollow = timeline.follow(changed);
      const poll = () => {
        look();
        timer = setTimeout(poll, settings.pollMs);
      };
      const catchUp = async (): Promise<void> => {
        const since = timeline.now().getTime() - OVER_SECONDS * 1000;
        for (const { id, over, updatedAt } of await options.incidents.toCatchUp())
          if (!over || updatedAt.getTime() >= since) changed(id);
      };
      void catchUp().catch((error) => {
        log.error({ err: error }, "Missed events could not be read for paging; retrying.");
        later(() => void catchUp().catch(() => {}));
      });
      poll();
    },
    leave() {
      stopped = true;
    },
    async stop() {
      stopped = true;
      unfollow?.();
      if (timer !== null) clearTimeout(timer);
      await looking;
      await Promise.allSettled([...[...work.values()].map(({ done }) => done), ...telling, ...asking.values()]);
    },
  };
}

/** Somebody was to be woken by it. */
function rings({ wanted }: DueItem): boolean {
  const page = wanted as Wanted;
  return (page.kind === "alarm" || page.kind === "summons") && page.open;
}
