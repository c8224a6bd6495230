import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { ReadContext } from "../contract.ts";
import { ask, type Cluster, type Place, query, whyNot } from "./client.ts";

/** A cluster as Patroni tells it, and replication as the leader's PostgreSQL tells it. Plain JSON. */
export interface ClusterView {
  readonly apis: readonly { readonly name: string; readonly answers: boolean; readonly why: string }[];
  /** By the word of every API that answers; null: no one leads, or they do not agree. */
  readonly leader: string | null;
  readonly members: readonly Member[];
  readonly paused: boolean;
  readonly scheduled: string | null;
  /** `pg_stat_replication` on the leader; null when it could not be read, and `blind` says why. */
  readonly followers: readonly Follower[] | null;
  readonly blind: string | null;
}

export interface Member extends Place {
  readonly role: "leader" | "replica" | "standbyLeader" | "other";
  readonly synchronous: boolean;
  readonly runs: boolean;
  readonly state: string;
  readonly timeline: number | null;
  readonly mayLead: boolean;
}

export interface Follower {
  readonly name: string;
  readonly state: string;
  /** Of the position the leader had when it was asked first; null: unknown. */
  readonly lagBytes: number | null;
}

const said = z.object({
  members: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      state: z.string().default("unknown"),
      host: z.string().default(""),
      port: z.coerce.number().default(5432),
      timeline: z.number().nullish(),
      tags: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
  pause: z.boolean().default(false),
  /** Newer versions say it here. */
  scope: z.string().optional(),
  scheduled_switchover: z.unknown().optional(),
});
type Said = z.infer<typeof said>;
const itself = z.object({ patroni: z.object({ scope: z.string() }) });

// 3.x and 4.x name them differently, and quorum commit (4.0) adds a kind.
const LEADERS = new Set(["leader", "master", "primary"]);
const REPLICAS = new Set(["replica", "sync_standby", "quorum_standby"]);

/** How long a look waits while no one leads: a switchover takes about two seconds. */
const SETTLE_SECONDS = 6;
const CATCH_UP_SECONDS = 1;

export async function lookAtCluster(ctx: ReadContext, cluster: Cluster): Promise<ClusterView> {
  const end = performance.now() + SETTLE_SECONDS * 1000;
  for (;;) {
    const view = await glance(ctx, cluster);
    if (view.leader !== null || view.members.length === 0 || performance.now() > end) {
      return await withReplication(ctx, cluster, view);
    }
    await sleep(250, undefined, { signal: ctx.signal });
  }
}

/** One look through every API, without asking PostgreSQL. */
export async function glance(ctx: ReadContext, cluster: Cluster): Promise<ClusterView> {
  const answers = await Promise.all(Object.entries(cluster.api).map(([name, base]) => hear(ctx, cluster, name, base)));
  const heard = answers.flatMap((one) => (one.said ? [one.said] : []));
  const leaders = [...new Set(heard.map(leaderIn))];
  const first = heard[0];
  return {
    apis: answers.map(({ name, why, said: told }) => ({ name, answers: told !== null, why })),
    leader: leaders.length === 1 ? (leaders[0] ?? null) : null,
    members: first?.members.map(memberOf) ?? [],
    paused: heard.some((one) => one.pause),
    scheduled: heard.some((one) => one.scheduled_switchover) ? "a switchover is scheduled" : null,
    followers: null,
    blind: null,
  };
}

/** An address may lead elsewhere, and members of other clusters have the same names: each says whose it is. */
async function hear(ctx: ReadContext, cluster: Cluster, name: string, base: string) {
  try {
    const { status, text } = await ask(ctx, base, "/cluster");
    if (status !== 200) return { name, why: `answered ${status}`, said: null };
    const told = said.parse(JSON.parse(text));
    const scope = told.scope ?? itself.parse(JSON.parse((await ask(ctx, base, "/patroni")).text)).patroni.scope;
    if (scope === cluster.name) return { name, why: "", said: told };
    return { name, why: `it is of cluster ${scope}, and the plan is for ${cluster.name}`, said: null };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { name, why: whyNot(error), said: null };
  }
}

function leaderIn(one: Said): string | null {
  const leaders = one.members.filter((member) => LEADERS.has(member.role));
  return leaders.length === 1 ? (leaders[0]?.name ?? null) : null;
}

function memberOf(one: Said["members"][number]): Member {
  return {
    name: one.name,
    host: one.host,
    port: one.port,
    role: LEADERS.has(one.role)
      ? "leader"
      : REPLICAS.has(one.role)
        ? "replica"
        : one.role === "standby_leader"
          ? "standbyLeader"
          : "other",
    synchronous: one.role === "sync_standby" || one.role === "quorum_standby",
    runs: one.state === "running" || one.state === "streaming",
    state: one.state,
    timeline: one.timeline ?? null,
    mayLead: one.tags.nofailover !== true && one.tags.failover_priority !== 0,
  };
}

/**
 * What `/cluster` says of lag is as old as Patroni's last round and once let a whole table be lost, so the leader itself is
 * asked: who streams, and who has replayed the position it had at first, within a second.
 */
async function withReplication(ctx: ReadContext, cluster: Cluster, view: ClusterView): Promise<ClusterView> {
  const leader = view.members.find((member) => member.name === view.leader);
  if (!leader) return view;
  try {
    const [at] = await query<{ position: string }>(ctx, cluster, leader, [
      "select pg_current_wal_lsn()::text as position",
    ]);
    const end = performance.now() + CATCH_UP_SECONDS * 1000;
    for (;;) {
      const followers = await query<Follower>(ctx, cluster, leader, [FOLLOWERS(at?.position ?? "0/0")]);
      const waiting = followers.some((one) => one.state === "streaming" && one.lagBytes !== 0);
      if (!waiting || performance.now() > end) return { ...view, followers };
      await sleep(50, undefined, { signal: ctx.signal });
    }
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { ...view, blind: whyNot(error) };
  }
}

const FOLLOWERS = (position: string) => {
  if (!/^[0-9A-F]+\/[0-9A-F]+$/.test(position)) throw new TypeError("Not a position in the log");
  return `select application_name as name, coalesce(state, 'hidden') as state,
      greatest(pg_wal_lsn_diff('${position}'::pg_lsn, replay_lsn), 0)::float8 as "lagBytes"
    from pg_stat_replication order by application_name, pid`;
};

export function memberNamed(view: ClusterView, name: string | null): Member | null {
  return view.members.find((member) => member.name === name) ?? null;
}

/** Patroni gives each replica its own name as application name. */
export function followerNamed(view: ClusterView, name: string): Follower | null {
  const matching = view.followers?.filter((one) => one.name === name) ?? [];
  return matching.find((one) => one.state === "streaming") ?? matching[0] ?? null;
}

export function sayMembers({ members }: ClusterView): string {
  return members
    .map(({ name, role, state, timeline }) => `${name} ${role} ${state} on timeline ${timeline}`)
    .join(", ");
}

/** Any API that answers can be asked; the leader's own first. */
export function apiOf(cluster: Cluster, view: ClusterView, first: string | null): string {
  const able = view.apis.filter((one) => one.answers).map((one) => one.name);
  const name = first !== null && able.includes(first) ? first : able[0];
  return cluster.api[name ?? ""] ?? (Object.values(cluster.api)[0] as string);
}
