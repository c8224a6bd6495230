import { setTimeout as pause } from "node:timers/promises";
import type { Catalog, System } from "../catalog/types.ts";
import type { IncidentState } from "../incident/state.ts";
import { isLive } from "../incident/status.ts";
import type { Incidents } from "../incidents/index.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createTasks } from "../projection/flights.ts";
import { createProjector, isIncident } from "../projection/projector.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { ReadinessLooks } from "../timeline/readiness-looks.ts";
import type { ReadinessBook } from "./book.ts";
import { type Due, dueNow } from "./due.ts";
import { judgeProblems } from "./judge.ts";
import { type Assessment, type ProveParts, prove } from "./prove.ts";
import { changeIn, foundBefore, isNewlyNotReady } from "./record.ts";
import { reportDue, weekOf } from "./report.ts";
import { isReadiness, readinessStream, runbookKey } from "./state.ts";

export interface ReadinessWorkerOptions {
  readonly timeline: Pick<Timeline, "decide" | "read" | "follow" | "now" | "realNow" | "doubt">;
  readonly incidents: Pick<Incidents, "read" | "current">;
  readonly catalog: Catalog;
  readonly book: ReadinessBook;
  readonly looks: ReadinessLooks;
  /** Asked for every proof: values are as they are then. */
  readonly parts: () => ProveParts;
  readonly log: Logger;
  readonly settings?: Partial<WorkerSettings>;
}

export interface WorkerSettings {
  /** Milliseconds between two rounds. */
  readonly roundMs: number;
  /** Proofs at the same time in this process. */
  readonly parallel: number;
  /** One proof, all its looks and tries. */
  readonly proofSeconds: number;
  /** Milliseconds until what was found not ready is looked at once more, before anyone is told. */
  readonly confirmMs: number;
}

const DEFAULTS: WorkerSettings = { roundMs: 3_000, parallel: 2, proofSeconds: 90, confirmMs: 5_000 };

/**
 * Proves every runbook again and again, read-only, and records what changed. What is due is decided from the record and shared by all processes of
 * a store, each proof is claimed by one of them, and a process that dies lets go of it. A live run comes first: its system isn't looked at while
 * it goes on, and all of it is proven again once it has ended.
 */
export interface ReadinessWorker {
  start(): void;
  stop(): Promise<void>;
}

export function createReadinessWorker(options: ReadinessWorkerOptions): ReadinessWorker {
  const { timeline, incidents, catalog, book, looks, log } = options;
  const settings = { ...DEFAULTS, ...options.settings };
  const proofs = createTasks();
  const underWay = new Map<string, { readonly system: string; readonly abort: AbortController }>();
  /** By proof: of what this process saw proven. A bot of another version or with other values is not quarrelled with. */
  const ownDigests = new Map<string, string>();
  const endedAt = new Map<string, number>();

  /** By system: since when, by its people's clock, this week's report was seen to be recorded or not to be due. Read again the week after. */
  const reported = new Map<string, number>();

  const projector = createProjector({
    ...{ name: "readiness", timeline, log, round },
    concerns: (stream) => isIncident(stream) || isReadiness(stream),
    // What is recorded is known from then on, and no round reads it.
    look: (stream) => (isReadiness(stream) ? book.recorded.read(stream) : lookAtIncident(stream)),
    missed: async () => catalog.systems.map(({ id }) => readinessStream(id)),
    everyMs: settings.roundMs,
  });

  /** A run that begins ends the looks at its system; one that ended makes every proof of it due. */
  async function lookAtIncident(stream: string): Promise<void> {
    const state = await incidents.read(stream);
    const system = catalog.systems.find(({ id }) => id === state.declared?.system);
    if (system === undefined) return;
    if (hasLiveRun(state)) {
      for (const one of underWay.values()) if (one.system === system.id) one.abort.abort();
      return;
    }
    if (book.everyMs === 0) return;
    const ended = Math.max(0, ...[...state.runs.values()].flatMap((run) => (run.dryRun ? [] : [endOf(run.endedAt)])));
    if (ended <= (endedAt.get(stream) ?? 0)) return;
    endedAt.set(stream, ended);
    const of = book.provable([system]).map(idOf);
    await looks.want(of, new Date(ended));
    projector.wake();
  }

  async function round(): Promise<void> {
    if (timeline.doubt() !== null) return;
    await beginWhatIsDue();
    await report(catalog.systems);
  }

  async function beginWhatIsDue(): Promise<void> {
    const room = settings.parallel - proofs.size;
    if (room <= 0) return;
    const { systems } = catalog;
    const [all, busy] = await Promise.all([looks.all(), busyNow()]);
    const provable = book.provable(systems);
    const about = { now: timeline.now(), everyMs: book.everyMs, busy, isNotReady };
    const due = dueNow({ provable, looks: all, ...about }).filter(isOurs);
    let begun = 0;
    for (const one of due) {
      if (begun === room || projector.stopping.aborted) break;
      if (proofs.has(taskOf(one))) continue;
      if (!(await looks.claim(idOf(one), one.look, settings.proofSeconds * 2 + 30))) continue;
      begun += 1;
      begin(one);
    }
  }

  function isNotReady({ system, runbook, mode }: Of): boolean {
    const known = book.recorded.kept(readinessStream(system.id));
    return known?.get(runbookKey(runbook.id, mode))?.last.to === "notReady";
  }

  /** What was proven about exactly this once, and then about something else, is another process's word. */
  function isOurs({ look: last, digest, ...of }: Due): boolean {
    const key = taskOf(of);
    if (last?.digest === digest) ownDigests.set(key, digest);
    const other = last !== undefined && last.digest !== null && last.digest !== digest;
    const wanted = last?.wantedAt && last.provenAt && last.provenAt < last.wantedAt;
    if (!other || wanted || ownDigests.get(key) !== digest) return true;
    return timeline.now().getTime() - (last.provenAt?.getTime() ?? 0) >= book.everyMs;
  }

  function begin(due: Due): void {
    const abort = new AbortController();
    const key = taskOf(due);
    underWay.set(key, { system: due.system.id, abort });
    const signal = AbortSignal.any([abort.signal, projector.stopping]);
    proofs.start(key, async () => {
      try {
        await proveAndRecord(due, signal);
      } catch (error) {
        if (signal.aborted) await looks.release(idOf(due)).catch(() => {});
        // Its claim stands until its time is over: what can't be proven isn't tried all the time.
        else
          log.warn({ event: "readiness.not_proven", proof: key, error: messageOf(error) }, "a proof could not be made");
      } finally {
        underWay.delete(key);
        projector.wake();
      }
    });
  }

  async function proveAndRecord(due: Due, signal: AbortSignal): Promise<void> {
    const stream = readinessStream(due.system.id);
    const before = (await book.recorded.read(stream)).get(runbookKey(due.runbook.id, due.mode));
    let proof = await attempt(due, signal);
    if (isNewlyNotReady(before, proof)) {
      await pause(settings.confirmMs, undefined, { signal });
      proof = await attempt(due, signal);
    }
    // What was looked at while a run began is no word about how it is.
    if ((await busyNow()).has(due.system.id)) return looks.release(idOf(due));
    signal.throwIfAborted();
    const proved = { due, proof, everyMs: book.everyMs };
    // Most proofs find what was found before: then nothing is locked.
    const news = changeIn(await book.recorded.read(stream), { ...proved, now: timeline.now() });
    if (news.length > 0)
      await timeline.decide(stream, (events, now) => ({
        events: changeIn(book.recorded.of(stream, events), { ...proved, now }),
        value: null,
      }));
    ownDigests.set(taskOf(due), due.digest);
    await looks.proven(idOf(due), due.digest);
    if (foundBefore(before, proof)) return;
    log.info({ event: "readiness.changed", proof: taskOf(due), to: proof.verdict }, "readiness changed");
  }

  async function attempt({ runbook, mode }: Due, signal: AbortSignal): Promise<Assessment> {
    const what = `Proving "${runbook.title}"`;
    // Moments to restore to are the world's, whatever clock practice has.
    const now = timeline.realNow();
    try {
      return await withDeadline(
        what,
        settings.proofSeconds,
        (within) => prove(options.parts(), runbook, mode, now, within),
        signal,
      );
    } catch (error) {
      if (signal.aborted || !isDeadline(error)) throw error;
      return { ...judgeProblems([error.problem], runbook.title), way: null };
    }
  }

  async function busyNow(): Promise<ReadonlySet<string>> {
    const live = (await incidents.current()).filter(hasLiveRun);
    return new Set(live.flatMap(({ declared }) => (declared === null ? [] : [declared.system])));
  }

  async function report(systems: readonly System[]): Promise<void> {
    if (book.everyMs === 0) return;
    for (const system of systems) {
      const week = weekOf(system, timeline.now())?.getTime() ?? null;
      if (week === null || reported.get(system.id) === week) continue;
      const stream = readinessStream(system.id);
      // Before the first proof of all there is nothing to report of, and nothing to read.
      if ((book.recorded.kept(stream)?.size ?? 0) === 0) continue;
      const events = await timeline.read(stream);
      if (reportDue(events, system, timeline.now()) === null) {
        reported.set(system.id, week);
        continue;
      }
      const [now] = await book.of([system]);
      if (now === undefined) continue;
      await timeline.decide(stream, (stored, at) => ({
        events: reportDue(stored, system, at)?.(now) ?? [],
        value: null,
      }));
    }
  }

  return {
    start: projector.start,
    async stop() {
      await projector.stop();
      await proofs.settled();
    },
  };
}

function isDeadline(error: unknown): error is LifeboatError {
  return error instanceof LifeboatError && error.problem.code === "deadline";
}

type Of = Pick<Due, "system" | "runbook" | "mode">;

function idOf({ system, runbook, mode }: Of) {
  return { system: system.id, runbook: runbook.id, mode };
}

function taskOf({ system, runbook, mode }: Of): string {
  return `${system.id}/${runbookKey(runbook.id, mode)}`;
}

function hasLiveRun({ runs }: IncidentState): boolean {
  return [...runs.values()].some((run) => !run.dryRun && isLive(run));
}

function endOf(at: Date | null): number {
  return at?.getTime() ?? 0;
}
