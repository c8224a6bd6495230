import { readdir, rm } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { monitorInvariant } from "../../practice/session/invariant.ts";
import { createRandom } from "../support/random.ts";
import { type Ahead, auditSoak } from "./audit.ts";
import { type Diary, openDiary } from "./diary.ts";
import { type EnvironmentOptions, openEnvironment, type SoakEnvironment } from "./environment.ts";
import { anyOf, calm } from "./faults.ts";
import { bystanders } from "./people.ts";
import { heardBy, recorded } from "./record.ts";
import { growth, measure, processesIn, summary } from "./resources.ts";
import { Runs } from "./runs.ts";

export interface SoakOptions extends EnvironmentOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Ids of the faults that are injected; left out: all. */
  readonly only?: readonly string[];
  /** Called with what happens, a line each. */
  readonly say?: (line: string) => void;
  /** True: the folder stays, to be looked into, also when there is nothing to complain of. */
  readonly keep?: boolean;
}

export interface SoakReport {
  readonly seed: number;
  readonly seconds: number;
  readonly complaints: readonly { readonly invariant: string; readonly says: string }[];
  /** What people did and what became of it, how often. */
  readonly activities: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly runs: number;
  readonly events: number;
  readonly statements: number;
  readonly usage: Readonly<Record<string, number>>;
  /** Where the bots' logs are; null: it was removed. */
  readonly folder: string | null;
}

const SETTLE_SECONDS = 90;
/** Between two faults, milliseconds. */
const BETWEEN_MS = [2000, 12_000] as const;

/**
 * Two real bots on a real PostgreSQL, a pair of real servers to fail over, people who work on it, and everything broken all the while. What
 * is done is decided by the seed, part by part; what comes of it also by the machine. At its end all is mended, and everything is held
 * against the invariants.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const world = await openEnvironment(options);
  let { keep: isKept = false } = options;
  try {
    const report = await played(world, options);
    isKept ||= report.complaints.length > 0;
    return { ...report, folder: isKept ? world.folder : null };
  } catch (error) {
    isKept = true;
    throw error;
  } finally {
    await world.stop();
    if (!isKept) await rm(world.folder, { recursive: true, force: true });
  }
}

async function played(world: SoakEnvironment, options: SoakOptions): Promise<Omit<SoakReport, "folder">> {
  const { seed, minutes, only = [], say = () => {} } = options;
  const diary = openDiary();
  const faults = new Map<string, number>();
  const began = performance.now();
  const isOver = () => performance.now() - began > minutes * 60_000;
  const elapsed = () => Math.round((performance.now() - began) / 100) / 10;
  const meter = measure(world);
  const monitor = await monitorInvariant(world.practice.environment);
  const ahead: Ahead[] = [];
  const runs = new Runs(world, createRandom(seed, "runs"), diary, monitor, say);
  const breaking = async () => {
    const random = createRandom(seed, "faults");
    while (!isOver()) {
      await pause(random.between(...BETWEEN_MS));
      if (isOver()) return;
      const fault = anyOf(random, only);
      faults.set(fault.id, (faults.get(fault.id) ?? 0) + 1);
      say(`${elapsed()} s: ${fault.id}`);
      await fault.inject(world, random);
      await noteClock(world, ahead);
    }
  };
  say("The world is there.");
  await Promise.all([runs.play(isOver), bystanders(world, createRandom(seed, "people"), diary, isOver), breaking()]);
  await calm(world);
  say(`${elapsed()} s: all is mended`);
  await runs.finish();
  await settled(world, diary);
  await monitor.stop();
  await meter.stop();
  await held(world, diary);

  const on = await recorded(world);
  const { messages, ephemerals } = world.practice.workspace.snapshot();
  const toldTo = (user: string) =>
    [...ephemerals, ...messages]
      .filter(({ only, channel }) => only === user || channel === `D${user}`)
      .map(({ ts, text }) => ({ at: Number(ts) * 1000, says: text }));
  const complaints = [
    ...diary.complaints,
    ...auditSoak({
      on,
      statements: world.told.statements,
      ahead,
      notes: diary.notes,
      heard: await heardBy(world),
      toldTo,
    }),
    ...monitor.violations.map(({ rule, saw }) => ({ invariant: rule, says: saw })),
    ...world.bots.flatMap((bot) => bot.endedByItself.map((says) => ({ invariant: "ended by itself", says }))),
    ...growth(meter.samples).map((says) => ({ invariant: "bounded", says })),
  ];
  const { folder, temporary } = world;
  await world.stop();
  complaints.push(...(await left(folder, temporary)));
  return {
    ...{ seed, seconds: elapsed(), complaints, runs: runs.ended },
    activities: Object.fromEntries([...diary.counts].sort()),
    faults: Object.fromEntries([...faults].sort()),
    events: [...on.database.streams.values()].reduce((sum, { events }) => sum + events.length, 0),
    statements: world.told.statements.length,
    usage: summary(meter.samples),
  };
}

async function noteClock({ clock }: SoakEnvironment, ahead: Ahead[]): Promise<void> {
  const seconds = await clock.aheadSeconds().catch(() => null);
  const last = ahead.at(-1)?.by ?? 0;
  if (seconds !== null && seconds * 1000 !== last)
    // It was moved a moment ago: what was written since then is by the new clock already.
    ahead.push({ from: Date.now() + last + (seconds * 1000 - last) / 2, by: seconds * 1000 });
}

/** Everything that came in is done, and everything is shown, or it is said that it isn't. */
async function settled(world: SoakEnvironment, diary: Diary): Promise<void> {
  const sql = `select (select count(*) from lifeboat.inbox where done_at is null)::int as inbox,
                      (select count(*) from lifeboat.outbox where delivered_hash is distinct from desired_hash and given_up_at is null
                          and not (once and delivered_as is not null) and sink = 'slack')::int as outbox,
                      (select count(*) from lifeboat.stream s where id like 'inc-%' and s.version >
                          coalesce((select o.version from lifeboat.outbox_stream o where o.stream = s.id), 0)
                          and exists (select from lifeboat.event e where e.stream = s.id and e.version = 1 and e.type = 'incident.declared'))::int as streams`;
  const until = performance.now() + SETTLE_SECONDS * 1000;
  for (;;) {
    const { rows } = await world.store.pool.query<{ inbox: number; outbox: number; streams: number }>(sql);
    const [now] = rows;
    if (now !== undefined && now.inbox + now.outbox + now.streams === 0) return;
    if (performance.now() > until) {
      diary.complaints.push({
        invariant: "I5",
        says: `After ${SETTLE_SECONDS} s still waiting: ${JSON.stringify(now)}`,
      });
      return;
    }
    await pause(250);
  }
}

/** The chain verifies by the product's own word too, and the store is the one both bots knew. */
async function held({ store }: SoakEnvironment, diary: Diary): Promise<void> {
  const chain = await store.timeline.verify();
  if (!chain.ok) diary.complaints.push({ invariant: "I4", says: JSON.stringify(chain.problems.slice(0, 3)) });
  const doubt = store.timeline.doubt();
  if (doubt !== null) diary.complaints.push({ invariant: "I4", says: doubt.what });
}

async function left(folder: string, temporary: string): Promise<{ invariant: string; says: string }[]> {
  const processes = await processesIn(folder);
  // Its folder of compiled sources is left by the tool that runs a bot with a guard taken out.
  const files = (await readdir(temporary)).filter((name) => !/^tsx-\d+$/.test(name));
  return [
    ...processes.map((says) => ({ invariant: "left behind", says: `the process ${says}` })),
    ...files.map((says) => ({ invariant: "left behind", says: `the file ${says}` })),
  ];
}
