import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { createClock } from "../../src/timeline/clock.ts";

/**
 * Files whose SQL may ask for real time, and why. All other SQL reads `lifeboat.clock()`, which practice moves, so that where a new query belongs is
 * decided on here and not by habit. `docs/internals.md`, "Which clock is asked?", says the same in words.
 */
const IN_REAL_TIME: Readonly<Record<string, string>> = {
  "src/timeline/leases.ts": "leases and heartbeats: a moved clock takes a run from nobody",
  "src/timeline/decide.ts": "a driver's write is its heartbeat; and what production decides by",
  "src/timeline/inbox.ts": "claims, retries, and when Slack's deliveries came in",
  "src/timeline/schedule.ts": "claims: a look that dies is done again",
  "src/timeline/readiness-looks.ts": "claims: a look that dies is done again",
  "src/timeline/follow.ts": "tells this process real time",
  "src/timeline/open.ts": "tells this process real time",
  "src/timeline/second-factors.ts": "codes of authenticators, which show real time",
  "src/timeline/database.ts": "what the clock has to be in production",
  "src/timeline/statements.ts": "runs in a migration before there is a clock",
  "src/timeline/inspect.ts": "the database's clock against this machine's",
  "src/timeline/migrate.ts": "when a migration was applied",
  "src/projection/": "pace, claims and retries of what goes outside, and which Home tabs are open",
  "src/actions/postgres/": "the clock of a target",
};
const ASKS = /clock_timestamp\(\)|(?<![.\w])now\(\)(?!\s*:)/;

test("SQL reads the store's clock, and real time only where it has to", () => {
  const used = new Set<string>();
  for (const name of readdirSync(join(projectRoot(), "src"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const file = `src/${name}`;
    const texts = [...readFileSync(join(projectRoot(), file), "utf8").matchAll(STRINGS)].map(([text]) => text);
    if (!texts.some((text) => isSql(text) && ASKS.test(text))) continue;
    used.add(Object.keys(IN_REAL_TIME).find((place) => file.startsWith(place)) ?? `${file}: read lifeboat.clock()`);
  }
  expect([...used].sort()).toEqual(Object.keys(IN_REAL_TIME).sort());
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
