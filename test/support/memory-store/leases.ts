import type { Logger } from "../../../src/lib/log.ts";
import type { StoreClock } from "../../../src/timeline/clock.ts";
import type { Lease, Leases } from "../../../src/timeline/contract.ts";
import type { LeaseTimings } from "../../../src/timeline/index.ts";
import { patiently } from "../../../src/timeline/transient-errors.ts";
import type { MemoryDatabase, Notice, RunRow } from "./database.ts";
import type { Link } from "./link.ts";

export interface MemoryLeaseParts {
  readonly database: MemoryDatabase;
  readonly link: Link;
  readonly clock: StoreClock;
  readonly replica: number;
  readonly timings: LeaseTimings;
  readonly closed: AbortSignal;
  readonly log: Logger;
}

export interface MemoryLeases extends Leases {
  hear(notice: Notice): void;
  close(): void;
}

const CLAIMED_AT_ONCE = 20;

export function createMemoryLeases(parts: MemoryLeaseParts): MemoryLeases {
  const { database, link, clock, replica, timings, closed, log } = parts;
  const callbacks = new Set<() => void>();
  let last: number | null = null;
  let since: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const due = () => {
    for (const callback of callbacks) callback();
  };

  function dueAt(at: number): void {
    const wait = Math.max(0, at - clock.now().getTime()) + 5;
    const when = performance.now() + wait;
    if (closed.aborted || wait > 3_600_000 || (when >= timerAt && timer)) return;
    clearTimeout(timer);
    timerAt = when;
    timer = setTimeout(() => {
      timer = undefined;
      timerAt = Number.POSITIVE_INFINITY;
      due();
    }, wait);
  }

  function contact(now: number): void {
    const gap = last === null ? Number.NaN : now - last;
    if (!(gap >= 0 && gap <= timings.gap * 1000)) since = now;
    last = now;
  }

  const isAlive = ({ owner }: RunRow) => owner !== null && database.sessions.has(owner);

  /** In unbroken contact with the database for long enough that every live holder had its chance to beat. */
  function mayRob(now: number): boolean {
    if (last === null || since === null) return false;
    return now - last >= 0 && now - last <= timings.gap * 1000 && last - since >= timings.guard * 1000;
  }

  function isDue(run: RunRow, now: number, robs: boolean): boolean {
    if (run.done || run.wakeAt === null || run.wakeAt > now) return false;
    if (run.owner === null) return true;
    const age = now - (run.beatAt ?? Number.NEGATIVE_INFINITY);
    const isSilent = Math.abs(age) > timings.lease * 1000;
    return robs && (isSilent || (age > timings.lock * 1000 && !isAlive(run)));
  }

  function claimAt(room: number) {
    const now = database.now();
    const robs = mayRob(now);
    const rows = [...database.runs.values()]
      .filter((run) => isDue(run, now, robs))
      .sort((one, other) => (one.wakeAt ?? 0) - (other.wakeAt ?? 0))
      .slice(0, Math.min(room, CLAIMED_AT_ONCE));
    const next = Math.min(
      ...[...database.runs.values()]
        .filter((run) => !run.done && run.owner !== replica && !rows.includes(run))
        .map((run) => {
          if (run.owner === null) return run.wakeAt ?? Number.POSITIVE_INFINITY;
          return isAlive(run) ? Number.POSITIVE_INFINITY : (run.beatAt ?? 0) + timings.lock * 1000;
        }),
    );
    const leases = rows.map((run): Lease => {
      run.deaths = run.owner === null ? 0 : run.deaths + 1;
      Object.assign(run, { owner: replica, epoch: run.epoch + 1, beatAt: now });
      const planBytes = Buffer.from(database.plans.get(run.planHash) ?? []);
      const { id, stream, epoch, deaths, planHash } = run;
      return { run: id, stream, epoch: String(epoch), deaths, planHash, planBytes };
    });
    return { now, next, leases };
  }

  const isOurs = ({ run, epoch }: Lease) => {
    const row = database.runs.get(run);
    return row !== undefined && String(row.epoch) === epoch && row.owner === replica && !row.done ? row : null;
  };

  return {
    async claim(room) {
      const sentAt = performance.now();
      const { now, next, leases } = await link.ask("claiming runs", () => claimAt(room));
      clock.heard(new Date(now), sentAt, new Date(now));
      contact(now);
      if (Number.isFinite(next) && room > 0 && next > now) dueAt(next);
      return leases;
    },
    async beat(leases) {
      if (leases.length === 0) return new Set();
      return link.ask("beating", () => {
        const held = leases.filter((lease) => {
          const row = isOurs(lease);
          if (row !== null) row.beatAt = database.now();
          return row !== null;
        });
        return new Set(held.map(({ run }) => run));
      });
    },
    release: (lease, seen, wakeAt) =>
      patiently({ what: `letting go of ${lease.run}`, seconds: Number.POSITIVE_INFINITY, closed, log }, async () => {
        const answer = await link.ask(`letting go of ${lease.run}`, () => {
          const row = isOurs(lease);
          if (row === null) return "not ours";
          if (database.stream(lease.stream)?.version !== seen) return "news";
          Object.assign(row, { owner: null, beatAt: null, wakeAt: wakeAt?.getTime() ?? null });
          return "gone";
        });
        if (answer === "gone" && wakeAt) dueAt(wakeAt.getTime());
        return answer !== "news";
      }),
    onDue(callback) {
      const own = () => callback();
      callbacks.add(own);
      return () => void callbacks.delete(own);
    },
    hear(notice) {
      if (notice.what === "due") due();
    },
    close() {
      clearTimeout(timer);
      callbacks.clear();
    },
  };
}
