import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { createClock } from "../../src/timeline/clock.ts";

/**
 * SQL that asks for real time, and why: how often each file may. Everything else reads `lifeboat.clock()`, which practice moves, so
 * that a new query is decided on here and not by habit. `docs/internals.md`, "Which clock is asked?", says the same in words.
 */
const IN_REAL_TIME: Readonly<Record<string, { readonly times: number; readonly why: string }>> = {
  "src/timeline/leases.ts": { times: 8, why: "leases and heartbeats: a moved clock takes a run from nobody" },
  "src/timeline/decide.ts": { times: 1, why: "a driver's write is its heartbeat" },
  "src/timeline/inbox.ts": { times: 10, why: "claims, retries, and when Slack's deliveries came in" },
  "src/timeline/schedule.ts": { times: 2, why: "claims: a look that dies is done again" },
  "src/timeline/follow.ts": { times: 1, why: "tells this process real time" },
  "src/timeline/open.ts": { times: 1, why: "tells this process real time" },
  "src/timeline/second-factors.ts": { times: 1, why: "codes of authenticators, which show real time" },
  "src/timeline/database.ts": { times: 1, why: "what the clock has to be in production" },
  "src/timeline/statements.ts": { times: 1, why: "runs in a migration before there is a clock" },
  "src/timeline/inspect.ts": { times: 1, why: "the database's clock against this machine's" },
  "src/timeline/migrate.ts": { times: 1, why: "when a migration was applied" },
  "src/projection/outbox.ts": {
    times: 28,
    why: "pace, claims and retries of what goes outside, and which Home tabs are open",
  },
  "src/projection/deliveries.ts": { times: 13, why: "pace, claims and retries of what goes outside" },
  "src/actions/postgres/view.ts": { times: 1, why: "the clock of a target" },
  "src/actions/postgres/verify-data.ts": { times: 1, why: "the clock of a target" },
  "src/actions/postgres/dump.ts": { times: 1, why: "the clock of a target" },
};
const ASKS = /clock_timestamp\(\)|(?<![.\w])now\(\)(?!\s*:)/g;

test("SQL reads the store's clock, and real time only where it has to", () => {
  const found: Record<string, number> = {};
  for (const file of readdirSync(join(projectRoot(), "src"), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const texts = [...readFileSync(join(projectRoot(), "src", file), "utf8").matchAll(STRINGS)].map(([text]) => text);
    const times = texts.filter(isSql).reduce((sum, text) => sum + (text.match(ASKS)?.length ?? 0), 0);
    if (times > 0) found[`src/${file}`] = times;
  }
  expect(found).toEqual(Object.fromEntries(Object.entries(IN_REAL_TIME).map(([file, { times }]) => [file, times])));
});

const STRINGS = /`[^`]*`|"(?:[^"\\\n]|\\.)*"/g;
const isSql = (text: string) =>
  /\b(select|update|insert|with|where|set|=|case|default|and)\b/i.test(text) || /=/.test(text);

test("a clock that jumps is noticed once, however slow the answer was, and real time goes on", () => {
  const clock = createClock();
  let jumps = 0;
  const stop = clock.onJump(() => jumps++);
  const at = new Date("2026-05-01T10:00:00Z");
  const later = new Date("2026-08-01T10:00:00Z");
  clock.heard(at, performance.now(), at);
  clock.heard(later, performance.now() - 500, at);
  clock.heard(later, performance.now(), at);
  expect(jumps).toBe(1);
  expect(Math.abs(clock.now().getTime() - later.getTime())).toBeLessThan(2_000);
  expect(Math.abs(clock.realNow().getTime() - at.getTime())).toBeLessThan(2_000);
  stop();
  clock.heard(at, performance.now());
  expect(jumps).toBe(1);
});
