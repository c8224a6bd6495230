import { randomUUID } from "node:crypto";
import type { Logger } from "../../../src/lib/log.ts";
import { attemptsMax, type VisibleInbox } from "../../../src/timeline/inbox.ts";
import { jsonSafe, jsonSafeText } from "../../../src/timeline/json-safe.ts";
import { patiently } from "../../../src/timeline/transient-errors.ts";
import type { InboxRow, MemoryDatabase } from "./database.ts";
import type { Link } from "./link.ts";

const RECEIVE_SECONDS = 2.5;
const KEPT_MS = 14 * 24 * 3_600_000;

export function createMemoryInbox(
  database: MemoryDatabase,
  link: Link,
  closed: AbortSignal,
  log: Logger,
  callerSeconds: number,
): VisibleInbox {
  const rows = database.inbox;
  const asked = <T>(what: string, seconds: number, work: () => T) =>
    patiently({ what, seconds, closed, log }, () => link.ask(what, work));
  const open = (key: string) => rows.find((row) => row.key === jsonSafeText(key) && row.doneAt === null);
  const isFree = ({ claimedUntil }: InboxRow) => claimedUntil === null || claimedUntil < database.now();

  return {
    receive(key, kind, body, claimSeconds) {
      // Tells our own lost attempt from someone else's delivery.
      const receipt = randomUUID();
      return asked("receiving", RECEIVE_SECONDS, () => {
        const there = rows.find((row) => row.key === jsonSafeText(key));
        if (there !== undefined) return there.receipt === receipt;
        const now = database.now();
        rows.push({
          ...{ id: database.nextId(), key: jsonSafeText(key), kind, body: JSON.stringify(jsonSafe(body)), receipt },
          ...{ receivedAt: new Date(now), nextAt: now, doneAt: null, lastError: null },
          attempts: claimSeconds === undefined ? 0 : 1,
          claimedUntil: claimSeconds === undefined ? null : now + claimSeconds * 1000,
        });
        return true;
      });
    },
    take: (limit, claimSeconds, kind = "") =>
      asked("taking from the inbox", callerSeconds, () => {
        const now = database.now();
        const isDue = (row: InboxRow) =>
          row.doneAt === null && row.attempts < attemptsMax && row.nextAt <= now && row.kind.startsWith(kind);
        const taken = rows.filter((row) => isDue(row) && isFree(row)).slice(0, limit);
        return taken.map((row) => {
          row.claimedUntil = now + claimSeconds * 1000;
          row.attempts += 1;
          const { key, attempts, receivedAt } = row;
          return { key, kind: row.kind, body: JSON.parse(row.body), attempts, receivedAt };
        });
      }),
    done: (key) =>
      asked("finishing an inbox item", callerSeconds, () => {
        const now = database.now();
        const old = rows.findIndex(({ doneAt }) => doneAt !== null && doneAt < now - KEPT_MS);
        if (old >= 0) rows.splice(old, 1);
        const row = open(key);
        if (row) Object.assign(row, { doneAt: now, claimedUntil: null });
      }),
    failed: (key, why) =>
      asked("failing an inbox item", callerSeconds, () => {
        const row = open(key);
        if (!row) return;
        const nextAt = database.now() + Math.min(300, 2 ** row.attempts) * 1000;
        Object.assign(row, { claimedUntil: null, lastError: jsonSafeText(why).slice(0, 2000), nextAt });
      }),
    async now() {
      const waiting = rows.filter((row) => row.doneAt === null && row.attempts < attemptsMax);
      const oldest = Math.min(...waiting.map(({ receivedAt }) => receivedAt.getTime()));
      return {
        waiting: waiting.length,
        oldestSeconds: waiting.length === 0 ? 0 : (database.now() - oldest) / 1000,
        givenUp: rows.filter((row) => row.doneAt === null && row.attempts >= attemptsMax && isFree(row)).length,
      };
    },
    givenUp: (limit = 50) =>
      asked("looking for stuck inbox items", callerSeconds, () =>
        rows
          .filter((row) => row.doneAt === null && row.attempts >= attemptsMax && isFree(row))
          .reverse()
          .slice(0, limit)
          .map(({ key, kind, attempts, lastError, receivedAt }) => ({ key, kind, attempts, lastError, receivedAt })),
      ),
  };
}
