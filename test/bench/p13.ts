import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { playRunbook } from "../../practice/session/play.ts";
import { startPractice } from "../../practice/session/practice.ts";
import type { PracticeEnvironment } from "../../practice/systems/practice/index.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { Around } from "./around.ts";
import { built } from "./built.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";

const ROUNDS = 5;

/**
 * A planned failover of a PostgreSQL pair under 20 orders a second: how long none is taken, and how many acknowledged ones are lost, with
 * Lifeboat and with the script a person would have written, on the same servers in turn.
 */
export const p13: Figure = {
  name: "p13",
  title: "Write outage of a planned failover of a PostgreSQL pair, by Lifeboat and by a script",
  async measure(around) {
    const practice = await open(around);
    const { environment } = practice;
    const [ours, theirs]: Outage[][] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      await environment.heal();
      const play = await playRunbook(practice, { runbook: "database-failover", mode: "planned", seconds: 90 });
      if (play.outcome !== "verified") throw new Error(`It ended ${play.outcome}: ${play.problem}`);
      ours?.push(await outageOf(environment));
      await environment.heal();
      await byScript(environment);
      theirs?.push(await outageOf(environment));
    }
    const seconds = (all: Outage[] = []) => median(all.map((one) => one.seconds));
    const lost = (all: Outage[] = []) => all.reduce((sum, one) => sum + one.lost, 0);
    return [
      { what: "Lifeboat: no write taken for, median", value: seconds(ours), unit: "s" },
      { what: "script: no write taken for, median", value: seconds(theirs), unit: "s" },
      { what: "Lifeboat adds", value: seconds(ours) - seconds(theirs), unit: "s", goal: { atMost: 0.3 } },
      { what: "Lifeboat: acknowledged writes lost", value: lost(ours), unit: "", goal: { atMost: 0 } },
      { what: "script: acknowledged writes lost", value: lost(theirs), unit: "" },
    ];
  },
};

async function open(around: Around) {
  const practice = await startPractice({
    folder: join(await around.folder(), "practice"),
    port: 0,
    log: createLog("error", "bench"),
    bot: { program: process.execPath, arguments: [join(await built(around), "src/main.js")] },
    manifestFile: join(projectRoot(), "manifest.yml"),
  });
  around.later(() => practice.stop());
  return practice;
}

interface Outage {
  readonly seconds: number;
  readonly lost: number;
}

/** As the application saw it: the longest time without an acknowledged order since the pair was well. */
async function outageOf(environment: PracticeEnvironment): Promise<Outage> {
  for (let since = await orders(environment); (await orders(environment)) < since + 5; ) await pause(50);
  const state = await environment.application.state();
  if (state === null) throw new Error("The orders application does not answer.");
  const { lostIds } = await environment.ledger();
  return { seconds: state.longestGapSeconds, lost: lostIds.length };
}

async function orders({ application }: PracticeEnvironment): Promise<number> {
  return (await application.state())?.acknowledged ?? 0;
}

/** No one asked, nothing looked at beforehand, nothing written down: stop writes, wait, promote, point the application there. */
async function byScript({ nodes: [a, b], application }: PracticeEnvironment): Promise<void> {
  const [from, to] = [new pg.Client({ connectionString: a.url() }), new pg.Client({ connectionString: b.url() })];
  await Promise.all([from.connect(), to.connect()]);
  try {
    await from.query("alter system set default_transaction_read_only = on");
    await from.query("select pg_reload_conf()");
    await from.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
    const { rows } = await from.query<{ lsn: string }>("select pg_current_wal_flush_lsn()::text as lsn");
    const lsn = rows[0]?.lsn;
    for (let there = false; !there; ) {
      const seen = await to.query<{ there: boolean }>("select pg_last_wal_replay_lsn() >= $1::pg_lsn as there", [lsn]);
      there = seen.rows[0]?.there ?? false;
    }
    await to.query("select pg_promote(true, 30)");
    await application.repoint(b.target);
  } finally {
    await Promise.all([from.end(), to.end()]);
  }
}
