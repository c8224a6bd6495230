import { basename, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import {
  type Change,
  changesBetween,
  hashOfFacts,
  NO_FACTS,
  type PolicyFacts,
  policyFactsOf,
} from "./catalog/changes.ts";
import type { Finding } from "./catalog/fault.ts";
import { fingerprintOf, type LiveCatalog, type Reloaded } from "./catalog/live.ts";
import { homesIn, type Loaded } from "./catalog/load.ts";
import { policyOf } from "./catalog/policy.ts";
import { reportFindings } from "./catalog/report.ts";
import type { Catalog } from "./catalog/types.ts";
import { WORKSPACE } from "./command/execute/record.ts";
import type { Actor, DataOf, NewEvent } from "./incident/events.ts";
import { hashOf } from "./lib/canonical.ts";
import { messageOf } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";
import type { Timeline } from "./timeline/contract.ts";

/** Milliseconds between two looks at the files. What changed is read at the second look that finds it the same. */
const LOOK_MS = 1_000;

export interface ReloadOptions {
  readonly folder: string;
  readonly live: LiveCatalog;
  /** Prints of the systems' folders from before `live` was read: what changed since is found at the first look. */
  readonly prints: Prints;
  readonly read: (home: string) => Loaded;
  /** Systems that may be used here: practice or production. */
  readonly mayUse: (system: Catalog["systems"][number]) => boolean;
  /** @throws where this catalogue may not be used, though nothing in it is wrong. */
  readonly check: (next: Catalog) => void;
  readonly timeline: Timeline;
  readonly log: Logger;
  readonly everyMs?: number;
}

export interface Reloader {
  start(): void;
  /** Reads what changed, whole or not at all. One at a time. */
  now(by: DataOf<"catalogue.changed">["by"], actor: Actor): Promise<Reloaded>;
  stop(): Promise<void>;
}

/** By the folder of each system. */
export type Prints = ReadonlyMap<string, string>;

export async function printsOf(folder: string): Promise<Prints> {
  const homes = homesIn(folder, []);
  return new Map(await Promise.all(homes.map(async (home) => [home, await fingerprintOf(home)] as const)));
}

/**
 * Keeps the catalogue and the roster as the files say. A change is read when it is seen to be over; only the systems whose files changed are read, so
 * that nothing else waits for long. With a mistake in any of them all is kept as it was, and that is said. What changed is an event, once,
 * however many processes read it.
 */
export function createReloader(options: ReloadOptions): Reloader {
  const { folder, live, timeline, log, everyMs = LOOK_MS } = options;
  let known = options.prints;
  let before = options.prints;
  let refused = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work, work);
    queue = turn.catch(() => {});
    return turn;
  };

  async function look(): Promise<void> {
    const prints = await printsOf(folder);
    const settled = isSame(prints, before);
    before = prints;
    if (settled && !isSame(prints, known)) await reread(prints, "files", { kind: "bot" });
  }

  async function reread(prints: Prints, by: DataOf<"catalogue.changed">["by"], actor: Actor): Promise<Reloaded> {
    const touched = [...new Set([...prints.keys(), ...known.keys()])].filter(
      (home) => refused.has(home) || prints.get(home) !== known.get(home),
    );
    known = prints;
    if (touched.length === 0) return { kind: "unchanged" };
    const problems: Finding[] = [];
    const ids = new Set(touched.map(idOf));
    const kept = {
      systems: live.systems.filter(({ id }) => !ids.has(id)),
      runbooks: live.runbooks.filter(({ system }) => !ids.has(system)),
    };
    const next = { systems: [...kept.systems], runbooks: [...kept.runbooks] };
    for (const home of touched.filter((one) => prints.has(one))) {
      await breathe();
      const loaded = options.read(home);
      problems.push(...loaded.problems.filter(({ level }) => level === "error"));
      next.systems.push(...loaded.catalog.systems.filter(options.mayUse));
      next.runbooks.push(...loaded.catalog.runbooks);
    }
    next.systems.sort((a, b) => (a.id < b.id ? -1 : 1));
    const wrong = problems.length > 0 ? reportFindings(problems) : refusalOf(next);
    if (wrong !== null) {
      refused = new Set(touched);
      log.error({ event: "catalogue.kept", by, says: wrong }, "the catalogue was not reloaded; all is kept as it was");
      return { kind: "refused", problems: wrong };
    }
    refused = new Set();
    const facts = new Map([...ids].map((id) => [id, factsOf(id, live)]));
    live.replace(next);
    const systems = [...ids].flatMap((id) => {
      const says = changesBetween(facts.get(id) ?? NO_FACTS, factsOf(id, live));
      return says.length === 0 ? [] : [{ system: id, says }];
    });
    log.info(
      { event: "catalogue.changed", by, systems: systems.map(({ system }) => system) },
      "the catalogue was reloaded",
    );
    await record(
      systems.map(({ system }) => system),
      by,
      actor,
    );
    return systems.length === 0 ? { kind: "unchanged" } : { kind: "changed", systems };
  }

  function refusalOf(next: Catalog): string | null {
    try {
      if (next.systems.length === 0) return "There would be no usable system any more";
      options.check(next);
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Compared with what was recorded last, by whichever process: what two of them read is written once. */
  async function record(ids: readonly string[], by: DataOf<"catalogue.changed">["by"], actor: Actor): Promise<void> {
    for (const system of ids) {
      const facts = factsOf(system, live);
      const hash = hashOfFacts(facts);
      try {
        await timeline.decide(WORKSPACE, (events) => {
          const last = events.findLast(({ type, data }) => type === "catalogue.changed" && isAbout(data, system));
          const was = last?.data as DataOf<"catalogue.changed"> | undefined;
          if (was?.hash === hash) return { events: [], value: null };
          const says = was === undefined ? firstWords(facts) : changesBetween(was.facts, facts);
          const data = { system, from: was?.hash ?? null, hash, says, by, facts };
          const key = `catalogue/${system}/${(events.at(-1)?.version ?? 0) + 1}`;
          const event: NewEvent = { type: "catalogue.changed", data, key, actor };
          return { events: [event], value: null };
        });
      } catch (error) {
        log.error({ event: "catalogue.unrecorded", system, error: messageOf(error) }, "a change was not recorded");
      }
      await recordPolicy(system).catch((error) =>
        log.error({ event: "policy.unrecorded", system, error: messageOf(error) }, "a policy was not recorded"),
      );
    }
  }

  /** Whole, so that a report on the past can be read against it. Where it is the one that was recorded last, nothing is written. */
  async function recordPolicy(id: string): Promise<void> {
    const found = live.systems.find((one) => one.id === id);
    if (found === undefined) return;
    const policy = policyOf(found, live);
    const hash = hashOf(policy);
    await timeline.decide(`pol-${id}`, (events) => {
      const last = events.at(-1);
      const before = last?.data as DataOf<"policy.recorded"> | undefined;
      if (before !== undefined && hashOf(before.policy) === hash) return { events: [], value: null };
      const key = `policy/${(last?.version ?? 0) + 1}`;
      const data = { system: id, policy };
      return { events: [{ type: "policy.recorded", data, key, actor: { kind: "bot" } }], value: null };
    });
  }

  const safely = (work: () => Promise<unknown>): Promise<void> =>
    inTurn(work).then(
      () => {},
      (error) =>
        log.error({ event: "catalogue.unread", error: messageOf(error) }, "the catalogue could not be looked at"),
    );

  return {
    start() {
      void safely(() =>
        record(
          live.systems.map(({ id }) => id),
          "start",
          { kind: "bot" },
        ),
      );
      const again = () => {
        if (stopped) return;
        timer = setTimeout(() => void safely(look).then(again), everyMs);
      };
      again();
    },
    now: (by, actor) => inTurn(async () => reread(await printsOf(folder), by, actor)),
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await queue;
    },
  };
}

function factsOf(id: string, catalog: Catalog): PolicyFacts {
  const system = catalog.systems.find((one) => one.id === id);
  return system === undefined ? NO_FACTS : policyFactsOf(system, catalog);
}

function firstWords({ people, rest }: PolicyFacts): readonly Change[] {
  const runbooks = Object.keys(rest).filter((key) => key.startsWith("runbook ")).length;
  return [{ person: null, says: `read for the first time: people ${people.length}, runbooks ${runbooks}` }];
}

function isAbout(data: unknown, system: string): boolean {
  return (data as { system?: unknown }).system === system;
}

function isSame(one: Prints, other: Prints): boolean {
  return one.size === other.size && [...one].every(([home, print]) => other.get(home) === print);
}

function idOf(home: string): string {
  return basename(resolve(home));
}
