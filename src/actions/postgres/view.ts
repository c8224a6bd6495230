import { LifeboatError } from "../../lib/errors.ts";
import type { Cause, Check, ReadContext } from "../contract.ts";
import { asNoAnswer, type Database, type NoAnswer, withNode } from "./client.ts";
import { addressOf, type Node } from "./node.ts";
import type { Position } from "./position.ts";

/** One server as it looks now. Plain JSON: it is written to the timeline. */
export type NodeView = AnsweringNode | SilentNode;

export interface SilentNode extends NoAnswer {
  readonly name: string;
  readonly address: string;
  readonly answers: false;
}

export interface AnsweringNode {
  readonly name: string;
  readonly address: string;
  readonly answers: true;
  readonly role: "primary" | "standby";
  readonly systemId: string;
  /** Which server process this is, by whatever address it is reached: a copy of its data is another one. */
  readonly process: string;
  /** Of the newest WAL: right after a promotion the checkpoint still carries the old one. */
  readonly timeline: number;
  /** On disk here: flushed by a primary, replayed by a standby. */
  readonly position: Position;
  /** `default_transaction_read_only`: the soft fence. */
  readonly readOnly: boolean;
  /** The server's clock, milliseconds since 1970. */
  readonly clock: number;
  /** Client sessions that are neither ours nor RDS's or Patroni's own, and began before the configuration was last loaded. */
  readonly sessionsBeforeReload: number;
  readonly preparedTransactions: number;
  readonly followers: readonly Follower[];
  readonly slots: readonly Slot[];
  /** Null on a primary. */
  readonly standby: StandbyView | null;
  readonly checkpointTimeline: number;
  /** `wal_retrieve_retry_interval`: a standby may wait this long before it notices that it can be promoted. */
  readonly walRetryMilliseconds: number;
  /** What our login lacks to fence or to promote this server, in the words of a `grant`; empty: nothing. */
  readonly mayNotFence: string;
  readonly mayNotPromote: string;
}

export interface Follower {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly sync: string;
  readonly lagBytes: number | null;
}

export interface Slot {
  readonly name: string;
  readonly type: string;
  readonly active: boolean;
  readonly pid: number | null;
  readonly walStatus: string | null;
}

export interface StandbyView {
  readonly received: Position | null;
  readonly paused: boolean;
  /** Commit time of the newest replayed transaction by the primary's clock, milliseconds since 1970. */
  readonly newestWriteAt: number | null;
  readonly receiver: string | null;
  readonly slot: string | null;
  readonly appearsAs: string | null;
}

const LOOK = `
with replay as materialized (select pg_is_in_recovery() as on)
select
  replay.on as recovering,
  (select system_identifier::text from pg_control_system()) as system_id,
  extract(epoch from pg_postmaster_start_time())::text as started,
  (select timeline_id from pg_control_checkpoint()) as checkpoint_timeline,
  case when replay.on
    then greatest((select timeline_id from pg_control_checkpoint()),
                  (select received_tli from pg_stat_wal_receiver),
                  (select min_recovery_end_timeline from pg_control_recovery()))
    else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
  case when replay.on then pg_last_wal_replay_lsn()::text else pg_current_wal_flush_lsn()::text end as position,
  current_setting('default_transaction_read_only') = 'on' as read_only,
  extract(epoch from clock_timestamp())::float8 * 1000 as clock,
  (select count(*)::int from pg_stat_activity
    where backend_type = 'client backend' and application_name <> 'lifeboat' and usename is distinct from 'rdsadmin'
      and not (application_name like 'Patroni%' and exists (select from pg_roles where oid = usesysid and rolsuper))
      and backend_start <= pg_conf_load_time()) as sessions_before_reload,
  (select count(*)::int from pg_prepared_xacts) as prepared,
  (select coalesce(jsonb_agg(jsonb_build_object('pid', pid, 'name', application_name, 'state', state, 'sync', sync_state,
      'lagBytes', case when pg_is_in_recovery() then null
                       else greatest(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), replay_lsn), 0)::bigint end)
      order by application_name, pid), '[]') from pg_stat_replication) as followers,
  (select coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'type', slot_type, 'active', active, 'pid', active_pid,
      'walStatus', wal_status) order by slot_name), '[]') from pg_replication_slots) as slots,
  pg_last_wal_receive_lsn()::text as received,
  case when replay.on then pg_is_wal_replay_paused() else false end as paused,
  extract(epoch from pg_last_xact_replay_timestamp())::float8 * 1000 as newest_write_at,
  receiver.status as receiver, receiver.slot_name as slot,
  -- After a change of timelines the connection string no longer says under which name it connects; this is how it is chosen.
  coalesce((regexp_match(receiver.conninfo, 'application_name=(\\S+)'))[1],
    nullif(current_setting('cluster_name'), ''), 'walreceiver') as appears_as,
  (extract(epoch from current_setting('wal_retrieve_retry_interval')::interval) * 1000)::int as wal_retry,
  concat_ws(', ',
    case when not has_parameter_privilege('default_transaction_read_only', 'alter system')
      then 'alter system on parameter default_transaction_read_only' end,
    case when not has_function_privilege('pg_reload_conf()', 'execute') then 'execute on function pg_reload_conf()' end,
    case when not pg_has_role('pg_signal_backend', 'usage') then 'pg_signal_backend' end,
    case when not pg_has_role('pg_read_all_stats', 'usage') then 'pg_monitor' end) as may_not_fence,
  concat_ws(', ',
    case when not has_function_privilege('pg_promote(boolean, integer)', 'execute')
      then 'execute on function pg_promote(boolean, integer)' end,
    case when not pg_has_role('pg_read_all_stats', 'usage') then 'pg_monitor' end) as may_not_promote
from replay left join pg_stat_wal_receiver receiver on true`;

interface LookRow {
  recovering: boolean;
  system_id: string;
  started: string;
  checkpoint_timeline: number;
  timeline: number;
  position: string;
  read_only: boolean;
  clock: number;
  sessions_before_reload: number;
  prepared: number;
  followers: Follower[];
  slots: Slot[];
  received: string | null;
  paused: boolean;
  newest_write_at: number | null;
  receiver: string | null;
  slot: string | null;
  appears_as: string | null;
  wal_retry: number;
  may_not_fence: string;
  may_not_promote: string;
}

/** Looks at one server. A server that is down or refuses is an observation, not an error. */
export async function lookAt(ctx: ReadContext, node: Node): Promise<NodeView> {
  try {
    return await withNode(ctx, node, (db) => lookThrough(db, node));
  } catch (error) {
    return { name: node.name, address: addressOf(node), answers: false, ...asNoAnswer(error) };
  }
}

export async function lookThrough(db: Database, node: Node): Promise<AnsweringNode> {
  const [row] = await db.query<LookRow>(LOOK);
  if (!row) throw new LifeboatError({ code: "empty-answer", where: node.name, what: "The server described nothing" });
  return {
    name: node.name,
    address: addressOf(node),
    answers: true,
    role: row.recovering ? "standby" : "primary",
    systemId: row.system_id,
    process: `${row.system_id}/${row.started}`,
    timeline: row.timeline,
    position: row.position,
    readOnly: row.read_only,
    clock: row.clock,
    sessionsBeforeReload: row.sessions_before_reload,
    preparedTransactions: row.prepared,
    followers: row.followers,
    slots: row.slots,
    standby: row.recovering
      ? {
          received: row.received,
          paused: row.paused,
          newestWriteAt: row.newest_write_at,
          receiver: row.receiver,
          slot: row.slot,
          appearsAs: row.appears_as,
        }
      : null,
    checkpointTimeline: row.checkpoint_timeline,
    walRetryMilliseconds: row.wal_retry,
    mayNotFence: row.may_not_fence,
    mayNotPromote: row.may_not_promote,
  };
}

/** Several checks of several steps fail when one server does not answer: they say so of the same cause. */
export function silenceOf(...views: readonly (NodeView | null)[]): { readonly cause?: Cause } {
  const silent = views.find((view) => view?.answers === false);
  if (silent === undefined || silent === null || silent.answers) return {};
  const says = silent.kind === "refused" ? "is up but did not let us in" : "does not answer";
  return { cause: { id: `silent:${silent.address}`, says: `${silent.name} ${says}: ${silent.why}.` } };
}

/**
 * Where another cluster answers than the one the plan names: never to be accepted as "it does not answer", so every step that
 * looks at a server begins with this.
 */
export function identityChecks(...views: readonly (NoAnswer | { readonly answers: true })[]): readonly Check[] {
  return views.flatMap((view) => {
    if (!("otherCluster" in view) || view.otherCluster === undefined) return [];
    return [
      { id: "node.identity", level: "block", ok: false, says: `${view.why}.`, next: "Correct the address." } as const,
    ];
  });
}

export function isPrimary(view: NodeView): view is AnsweringNode & { readonly role: "primary" } {
  return view.answers && view.role === "primary";
}

export function isStandby(
  view: NodeView,
): view is AnsweringNode & { readonly role: "standby"; readonly standby: StandbyView } {
  return view.answers && view.role === "standby";
}

/** Two servers of one cluster that both take writes: what one of them accepts is lost. */
export function splitBrain(a: NodeView, b: NodeView): boolean {
  return isPrimary(a) && isPrimary(b) && a.systemId === b.systemId && !a.readOnly && !b.readOnly;
}
