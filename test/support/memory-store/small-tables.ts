import type { Tally } from "../../../src/timeline/contract.ts";
import type { Schedule } from "../../../src/timeline/schedule.ts";
import type { SecondFactorRow, SecondFactors } from "../../../src/timeline/second-factors.ts";
import type { MemoryDatabase } from "./database.ts";
import type { Link } from "./link.ts";

export function createMemorySchedule({ schedule, now }: Tables, link: Link): Schedule {
  return {
    set: (stream, version, nextAt) =>
      link.ask("the schedule", () => {
        const row = schedule.get(stream);
        if (row !== undefined && row.version > version) return;
        const claimedUntil = Number.NEGATIVE_INFINITY;
        schedule.set(stream, { version, nextAt: nextAt?.getTime() ?? null, claimedUntil });
      }),
    claim: (seconds, limit, prefix) =>
      link.ask("the schedule", () => {
        const due = [...schedule]
          .filter(([stream]) => stream.startsWith(prefix))
          .filter(([, { nextAt, claimedUntil }]) => nextAt !== null && nextAt <= now() && claimedUntil <= now())
          .sort(([, one], [, other]) => (one.nextAt ?? 0) - (other.nextAt ?? 0))
          .slice(0, limit);
        for (const [, row] of due) row.claimedUntil = now() + seconds * 1000;
        return due.map(([stream]) => stream);
      }),
    versions: (streams) =>
      link.ask("the schedule", () => {
        const known = streams.flatMap((id) => {
          const row = schedule.get(id);
          return row ? [[id, row.version] as const] : [];
        });
        return new Map(known);
      }),
  };
}

export function createMemoryTally({ tally, now }: Tables, link: Link): Tally {
  return {
    add: (what, who, seconds, last) =>
      link.ask("the tally", () => {
        const key = JSON.stringify([what, who]);
        const row = tally.get(key) ?? { what, who, since: now(), count: 0, total: 0, lastAt: now(), last: null };
        const isOver = row.since + seconds * 1000 <= now();
        Object.assign(row, { count: isOver ? 1 : row.count + 1, since: isOver ? now() : row.since });
        Object.assign(row, { total: row.total + 1, lastAt: now(), last: last?.slice(0, 200) ?? null });
        tally.set(key, row);
        return row.count;
      }),
    read: (prefix) =>
      link.ask("the tally", () =>
        [...tally.values()]
          .filter(({ what }) => what.startsWith(prefix))
          .sort((one, other) => other.lastAt - one.lastAt)
          .slice(0, 100)
          .map(({ what, who, count, total, lastAt, last }) => ({
            ...{ what, who, count, total, lastAt: new Date(lastAt), last },
          })),
      ),
  };
}

const blank: SecondFactorRow = {
  ...{ secret: null, pending: null, pendingAt: null, lastStep: -1, lastKey: null, failures: 0 },
  ...{ lockedUntil: null, enrolledAt: null, vouchedBy: null },
};

export function createMemorySecondFactors({ proofs, now }: Tables, link: Link): SecondFactors {
  const factors: SecondFactors = {
    confirmed: (holders) =>
      link.ask("second factors", () => new Set(holders.filter((holder) => proofs.get(holder)?.secret))),
    change: (holders, decide) =>
      link.ask(
        "second factors",
        () => {
          const known = new Map(holders.map((holder) => [holder, proofs.get(holder) ?? blank]));
          const { rows, value } = decide(known, new Date(now()), new Date(now()));
          for (const [holder, row] of rows) proofs.set(holder, row);
          return value;
        },
        true,
      ),
    forget: (holder) =>
      factors.change([holder], (rows) => {
        const row = rows.get(holder) ?? blank;
        return { rows: new Map([[holder, blank]]), value: row.secret !== null || row.pending !== null };
      }),
  };
  return factors;
}

type Tables = Pick<MemoryDatabase, "schedule" | "tally" | "proofs"> & { readonly now: () => number };
