import { fold, plansNeeded } from "../incident/evolve.ts";
import type { IncidentState } from "../incident/state.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { oneAtATime } from "../lib/one-at-a-time.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { Folded } from "./folded.ts";
import { type Entry, Known } from "./known.ts";
import { createPlanCache } from "./plans.ts";
import type { Reader } from "./reader.ts";
import { summaryOf } from "./summary.ts";

/** Which incidents there are, and which of them something is open in, at the cost of what is open and what changed. */
export interface Overview {
  /** Everything that was committed before the call is known after it. */
  fresh(): Promise<Known>;
  /** An incident as it is now. */
  read(id: string): Promise<IncidentState>;
  /** As it is at the head that is known, without a look at the store where it was read up to there before. */
  stateOf(entry: Entry): Promise<IncidentState>;
  /** It stays in memory whatever else is read. */
  stays(id: string): boolean;
  /** Those whose record can't be believed. */
  broken(): readonly string[];
}

export interface OverviewParts {
  readonly timeline: Pick<Timeline, "read" | "planOf" | "onReread" | "heads" | "keepSummary" | "liveStreams" | "doubt">;
  readonly reader: Reader;
  readonly log: Logger;
}

/** Ids of incidents begin so; the timeline has other streams too. */
const PREFIX = "inc-";
/**
 * Of incidents no one has summarized yet (the first start of this version on a store) so many are read before anything is
 * answered, and all with a run that is not over; the rest behind it.
 */
const READ_AT_FIRST = 100;
const AT_ONCE = 8;
/** A record that can't be believed is looked at again after this, for an operator who put it right. */
const BROKEN_AGAIN_MS = 15_000;

/**
 * Every incident's head, and of those that are over what lists need: loaded once from the store, then kept up with what changed
 * since. What is not known to be over is read from the record before anything is answered about it.
 */
export function createOverview({ timeline, reader, log }: OverviewParts): Overview {
  let known = new Known();
  let mark: string | null = null;
  let generation = 0;
  const brokenAt = new Map<string, number>();
  timeline.onReread(() => {
    generation += 1;
    mark = null;
  });

  // A look that was begun before the call may have missed what was committed since, so it isn't enough.
  const looks = oneAtATime(refresh);

  async function fresh(): Promise<Known> {
    await looks.run();
    return known;
  }

  async function refresh(): Promise<void> {
    const begun = generation;
    const found = await timeline.heads(PREFIX, mark ?? undefined);
    if (found.all) known = await loaded(found.heads);
    else known.take(found.heads);
    if (begun === generation) mark = found.mark;
    const work = known.current().filter(isDue).values();
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const id of work) await readEntry(id);
      }),
    );
  }

  /** What no one has summarized: the newest and the live at once, the others one by one behind what is asked. */
  async function loaded(heads: Parameters<Known["take"]>[0]): Promise<Known> {
    const all = new Known();
    all.take(heads);
    const unread = all.newestFirst().flatMap(({ head, is }) => (is === "unread" ? [head.id] : []));
    if (unread.length > READ_AT_FIRST) {
      const live = new Set(await timeline.liveStreams());
      const later = unread.slice(READ_AT_FIRST).filter((id) => !live.has(id));
      for (const id of later) all.becomes(id, "later");
      void summarize(all, later).catch((error) =>
        log.warn({ event: "incidents.not_summarized", says: messageOf(error) }, "past incidents could not all be read"),
      );
    }
    return all;
  }

  /** Each is let go of after it was read, so that memory stays what it was. */
  async function summarize(all: Known, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      if (all.get(id)?.is !== "later") continue;
      const summary = await summaryFromRecord(id).catch(() => null);
      if (all !== known) return;
      if (all.get(id)?.is !== "later") continue;
      if (summary === null || summary.version !== all.get(id)?.head.version) all.becomes(id, "unread");
      else {
        all.becomes(id, summary.summary);
        if (timeline.doubt() === null) await timeline.keepSummary(summary);
      }
    }
  }

  async function summaryFromRecord(id: string) {
    const plans = createPlanCache(timeline);
    const events = await timeline.read(id);
    const complete = await plans.learn(plansNeeded(events));
    const last = events.at(-1);
    const summary = complete ? summaryOf(fold(id, events, plans.plans)) : null;
    return summary === null || last === undefined
      ? null
      : { stream: id, version: last.version, hash: last.hash, summary };
  }

  function isDue(id: string): boolean {
    const is = known.get(id)?.is;
    if (is === "broken") return performance.now() - (brokenAt.get(id) ?? 0) > BROKEN_AGAIN_MS;
    return is === "unread";
  }

  async function readEntry(id: string): Promise<void> {
    const entry = known.get(id);
    const kept = reader.kept(id);
    if (kept && entry && kept.state.version >= entry.head.version) return judge(id, kept);
    try {
      judge(id, await reader.read(id));
    } catch (error) {
      // The timeline tells of it itself; other incidents go on.
      if (!(error instanceof LifeboatError && error.problem.code === "timeline-broken")) throw error;
      brokenAt.set(id, performance.now());
      known.becomes(id, "broken");
    }
  }

  /** Takes up what was read, where it is as far as the head that is known. */
  function judge(id: string, { state, hash }: Folded): void {
    const entry = known.get(id);
    if (entry === undefined || hash === null || state.version < entry.head.version) return;
    const isNews = entry.is === "unread" || entry.is === "later" || entry.is === "broken";
    if (!isNews && state.version === entry.head.version) return;
    const summary = summaryOf(state);
    known.becomes(id, summary ?? "current");
    if (summary === null || timeline.doubt() !== null) return;
    // Behind the answer: it makes the next start quicker, and nothing depends on it.
    const of = { stream: id, version: state.version, hash, summary };
    timeline
      .keepSummary(of)
      .catch((error) =>
        log.debug({ event: "incidents.not_summarized", stream: id, says: messageOf(error) }, "no summary was kept"),
      );
  }

  async function read(id: string): Promise<IncidentState> {
    const folded = await reader.read(id);
    judge(id, folded);
    return folded.state;
  }

  return {
    fresh,
    read,
    async stateOf({ head }) {
      const kept = reader.kept(head.id);
      return kept !== undefined && kept.state.version >= head.version ? kept.state : read(head.id);
    },
    stays: (id) => known.isCurrent(id),
    broken: () => known.current().filter((id) => known.get(id)?.is === "broken"),
  };
}
