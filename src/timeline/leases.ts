import type pg from "pg";
import type { Logger } from "../lib/log.ts";
import { type HolderProcess, lookWhetherDead, thisProcess } from "../lib/predecessor.ts";
import type { StoreClock } from "./clock.ts";
import type { Lease, Leases } from "./contract.ts";
import { type Listener, replicaLockClass } from "./listener.ts";
import { patiently } from "./transient-errors.ts";

/**
 * Seconds by the database's own clock. Why these: an outage shorter than `gap` ages the beat of a live holder (one a second)
 * to at most about 3 s, which is under `lock`; a longer one breaks the robber's own contact, and then it waits `guard`
 * so that the holders can beat first. Keep `lock` > `gap` + beat period + slack.
 */
export interface LeaseTimings {
  /** A holder silent for so long has lost its runs, whatever it is doing. */
  readonly lease: number;
  /** A holder silent for so long whose session is gone too was killed. */
  readonly lock: number;
  /** A replica without contact for longer starts counting `guard` again. */
  readonly gap: number;
  /** How long a replica must have been in unbroken contact before it may take a run from anyone. */
  readonly guard: number;
}

export const leaseTimings: LeaseTimings = { lease: 10, lock: 4, gap: 2, guard: 5 };

export interface LeaseParts {
  readonly pool: pg.Pool;
  readonly replica: number;
  readonly clock: StoreClock;
  readonly listener: Listener;
  readonly closed: AbortSignal;
  readonly log: Logger;
  readonly timings: LeaseTimings;
}

/** A run that is held by a process that counted its processes as this one does. */
interface Suspect {
  readonly run: string;
  readonly epoch: string;
  readonly owner: number;
  /** Its session advisory lock is still held. */
  readonly lives: boolean;
  readonly holder: unknown;
}

interface Claimed {
  readonly clock: Date;
  readonly realClock: Date;
  readonly next: Date | null;
  readonly suspects: readonly Suspect[] | null;
  readonly run: string | null;
  readonly stream: string;
  readonly epoch: string;
  readonly deaths: number;
  readonly planHash: string;
  readonly planBytes: Buffer;
}

const atMost = 20;
/** The store notices within milliseconds that a killed process's session is gone: it is asked again this often, for so long. */
const sessionEnds = { everyMs: 50, withinMs: 2_000 };

const lives = `exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.classid = ${replicaLockClass}
  and l.objid = r.owner::oid and l.granted and l.database = (select oid from pg_database where datname = current_database()))`;

// Free, or abandoned: silent for a whole lease (or with a beat from the future, after the store's clock went back), or
// silent for less with its session gone, or proven to be dead ($9, $10: run and epoch) with its session gone. $3, $4: this
// replica's last contact and the first of the unbroken row of them. $11: who we are. When a run is due is told by the store's
// clock, everything about holders in real time: a clock that is moved in practice takes a run from no one.
const claim = `
  with guarded as (select now() - $3::timestamptz between interval '0' and $7 * interval '1s'
                          and $3::timestamptz - $4::timestamptz >= $8 * interval '1s' as may_rob),
  due as (
    select r.id from lifeboat.run r
     where not r.done and r.wake_at <= (select lifeboat.clock())
       and (r.owner is null or ((select may_rob from guarded) and (
             r.beat_at not between now() - $5 * interval '1s' and now() + $5 * interval '1s'
             or (r.beat_at < now() - $6 * interval '1s' and not ${lives})))
          or (not ${lives} and exists (select from unnest($9::text[], $10::bigint[]) as dead(run, epoch)
                                        where dead.run = r.id and dead.epoch = r.epoch)))
     order by r.wake_at for update of r skip locked limit $2),
  taken as (
    update lifeboat.run r set owner = $1, epoch = r.epoch + 1, beat_at = clock_timestamp(),
           holder = $11::jsonb || jsonb_build_object('replica', $1::int, 'epoch', (r.epoch + 1)::text),
           deaths = case when r.owner is null then 0 else r.deaths + 1 end
      from due where r.id = due.id returning r.id, r.stream, r.epoch, r.deaths, r.plan_hash),
  later as (
    select min(case when r.owner is null then r.wake_at
                    when not ${lives} then lifeboat.clock() + (r.beat_at + $6 * interval '1s' - now()) end) as at
      from lifeboat.run r where not r.done and r.owner is distinct from $1 and r.id not in (select id from due)),
  suspects as (
    select r.id as run, r.epoch::text as epoch, r.owner, ${lives} as lives, r.holder
      from lifeboat.run r
     where $2 > 0 and not r.done and r.wake_at <= (select lifeboat.clock()) and r.owner <> $1 and r.id not in (select id from due)
       and r.holder ->> 'replica' = r.owner::text and r.holder ->> 'epoch' = r.epoch::text
       and r.holder ->> 'bootId' = $11::jsonb ->> 'bootId'
       and r.holder ->> 'pidNamespace' = $11::jsonb ->> 'pidNamespace')
  select lifeboat.clock() as clock, now() as "realClock", (select at from later) as next, (select json_agg(s) from suspects s) as suspects,
         t.id as run, t.stream, t.epoch::text as epoch, t.deaths, p.hash as "planHash", p.bytes as "planBytes"
    from (select 1) one left join taken t on true left join lifeboat.plan p on p.hash = t.plan_hash`;

// A row that a decision has locked at this moment is skipped: that decision is itself a beat.
const beat = `
  with driven as (select * from unnest($2::text[], $3::bigint[]) as d(id, epoch)),
  free as (select r.id from lifeboat.run r join driven d using (id, epoch)
            where r.owner = $1 and not r.done for update of r skip locked),
  beaten as (update lifeboat.run set beat_at = clock_timestamp() where id in (select id from free))
  select r.id from lifeboat.run r join driven d using (id, epoch) where r.owner = $1 and not r.done`;

// The stream is locked first, as every decision does: nothing can happen between the look and the letting go.
const release = `
  with s as materialized (select id, version from lifeboat.stream where id = $3 for share),
  gone as (update lifeboat.run r set owner = null, beat_at = null, holder = null, wake_at = $6
             from s where s.version = $5 and r.id = $1 and r.epoch = $2 and r.owner = $4 and not r.done returning r.id)
  select (select count(*) from gone)::int as gone, s.version,
         exists (select 1 from lifeboat.run where id = $1 and epoch = $2 and owner = $4 and not done) as held from s`;

export interface StoppableLeases extends Leases {
  /** Claims no more. What is still held was not released on purpose: a request may be in progress, so its lease has to end. */
  close(): void;
}

export function createLeases({ pool, replica, clock, listener, closed, log, timings }: LeaseParts): StoppableLeases {
  const callbacks = new Set<() => void>();
  let last: Date | null = null;
  let since: Date | null = null;
  let deadSince: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const due = () => {
    for (const callback of callbacks) callback();
  };
  const unheard = [listener.on("lifeboat_due", due), listener.onConnect(due), clock.onJump(due)];

  function dueAt(at: Date): void {
    const wait = Math.max(0, at.getTime() - clock.now().getTime()) + 5;
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

  function contact(now: Date): void {
    const gap = last === null ? Number.NaN : now.getTime() - last.getTime();
    if (!(gap >= 0 && gap <= timings.gap * 1000)) since = now;
    last = now;
  }

  async function ask(room: number, dead: readonly Suspect[]) {
    const sentAt = performance.now();
    const { lease, lock, gap, guard } = timings;
    const own = await thisProcess();
    const times = [last, since, lease, lock, gap, guard];
    const proven = [dead.map(({ run }) => run), dead.map(({ epoch }) => epoch)];
    const { rows } = await pool.query<Claimed>({
      name: "lifeboat-claim",
      text: claim,
      values: [
        replica,
        Math.max(0, Math.min(room, atMost)),
        ...times,
        ...proven,
        own === null ? null : JSON.stringify(own),
      ],
      ...{ query_timeout: 3_000 },
    });
    const first = rows[0];
    if (first === undefined) return { leases: [], suspects: [] };
    clock.heard(first.clock, sentAt, first.realClock);
    contact(first.realClock);
    if (first.next && room > 0 && first.next > first.clock) dueAt(first.next);
    return { leases: rows.flatMap(leaseOf), suspects: first.suspects ?? [] };
  }

  /** Those whose process is dead and whose session is gone. One that is dead keeps its session for a moment: looked at again soon. */
  async function provenDead(suspects: readonly Suspect[]): Promise<readonly Suspect[]> {
    const dead: Suspect[] = [];
    for (const suspect of suspects) {
      const holder = holderOf(suspect.holder);
      if (holder !== null && (await lookWhetherDead(holder))) dead.push(suspect);
    }
    if (!dead.some(({ lives }) => lives)) deadSince = null;
    else {
      deadSince ??= performance.now();
      if (performance.now() - deadSince < sessionEnds.withinMs)
        dueAt(new Date(clock.now().getTime() + sessionEnds.everyMs));
    }
    return dead.filter(({ lives }) => !lives);
  }

  return {
    async claim(room) {
      const first = await ask(room, []);
      const dead = await provenDead(first.suspects);
      if (dead.length === 0) return first.leases;
      const second = await ask(room - first.leases.length, dead);
      for (const { run, epoch } of dead)
        if (second.leases.some((lease) => lease.run === run))
          log.info({ event: "run.holder_dead", run, epoch }, "took over a run of a process of this host that is dead");
      return [...first.leases, ...second.leases];
    },

    async beat(leases) {
      if (leases.length === 0) return new Set();
      const { rows } = await pool.query<{ id: string }>({
        name: "lifeboat-beat",
        text: beat,
        values: [replica, leases.map(({ run }) => run), leases.map(({ epoch }) => epoch)],
        ...{ query_timeout: 3_000 },
      });
      return new Set(rows.map(({ id }) => id));
    },

    release: (lease, seen, wakeAt) =>
      patiently({ what: `letting go of ${lease.run}`, seconds: Number.POSITIVE_INFINITY, closed, log }, async () => {
        const { rows } = await pool.query<{ gone: number; held: boolean }>({
          name: "lifeboat-release",
          text: release,
          values: [lease.run, lease.epoch, lease.stream, replica, seen, wakeAt],
        });
        const found = rows[0];
        if (found?.gone === 1 && wakeAt) dueAt(wakeAt);
        // No longer ours is let go too.
        return found === undefined || found.gone === 1 || !found.held;
      }),

    onDue(callback) {
      const own = () => callback();
      callbacks.add(own);
      return () => {
        callbacks.delete(own);
      };
    },

    close() {
      for (const stop of unheard) stop();
      clearTimeout(timer);
      callbacks.clear();
    },
  };
}

function leaseOf({ run, stream, epoch, deaths, planHash, planBytes }: Claimed): Lease[] {
  return run === null ? [] : [{ run, stream, epoch, deaths, planHash, planBytes }];
}

/** Null: it is not what a claim writes. */
function holderOf(stored: unknown): HolderProcess | null {
  const { pid, startTicks, bootId, pidNamespace, timeNamespace } = (stored ?? {}) as Partial<HolderProcess>;
  if (typeof pid !== "number" || typeof startTicks !== "string" || timeNamespace === undefined) return null;
  if (typeof bootId !== "string" || typeof pidNamespace !== "string") return null;
  return { pid, startTicks, bootId, pidNamespace, timeNamespace };
}
