import pg from "pg";
import { messageOf } from "../../../src/lib/errors.ts";
import type { DatabaseHost } from "../../environment/database.ts";

/** One server as the panel shows it. */
export interface NodeState {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `down`: no process; `silent`: processes, but no answer. */
  readonly role: "primary" | "standby" | "down" | "silent";
  readonly reachable: boolean;
  readonly timeline: number | null;
  /** Refuses writes by default: fenced. */
  readonly readOnly: boolean | null;
  /** Last position written or replayed. */
  readonly position: string | null;
  /** A standby's: is it receiving, and is what it receives applied? */
  readonly streaming: boolean | null;
  readonly replayPaused: boolean | null;
  /** Bytes behind the other server, when that one is its primary. */
  readonly lagBytes: number | null;
  /** The application writes here. */
  readonly takesTraffic: boolean;
  readonly says: string | null;
}

export type Looked = Omit<NodeState, "lagBytes" | "takesTraffic">;

interface Row {
  recovering: boolean;
  timeline: number;
  read_only: boolean;
  position: string;
  receiving: boolean;
  paused: boolean;
}

const LOOK = `
select pg_is_in_recovery() as recovering,
  case when pg_is_in_recovery()
    then greatest((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint()))
    else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
  current_setting('default_transaction_read_only') = 'on' as read_only,
  case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end::text as position,
  exists (select from pg_stat_wal_receiver where status = 'streaming') as receiving,
  case when pg_is_in_recovery() then pg_is_wal_replay_paused() else false end as paused`;

/** Asks a server, with the role that may only look; bounded, and never rejects. */
export async function lookAtHost(host: DatabaseHost, password: string): Promise<Looked> {
  const base = { name: host.name, host: "127.0.0.1", port: host.port, ...NOTHING };
  if (!host.running) return { ...base, role: "down", reachable: false, says: "no process" };
  try {
    const row = await askOnce(host, password, LOOK);
    return {
      ...base,
      role: row.recovering ? "standby" : "primary",
      reachable: true,
      timeline: row.timeline,
      readOnly: row.read_only,
      position: row.position,
      streaming: row.recovering ? row.receiving : null,
      replayPaused: row.recovering ? row.paused : null,
      says: null,
    };
  } catch (error) {
    return { ...base, role: "silent", reachable: false, says: messageOf(error) };
  }
}

const NOTHING = { timeline: null, readOnly: null, position: null, streaming: null, replayPaused: null };

async function askOnce(host: DatabaseHost, password: string, sql: string): Promise<Row> {
  const client = new pg.Client({
    host: "127.0.0.1",
    port: host.port,
    database: "postgres",
    user: "monitor",
    password,
    application_name: "environment",
    connectionTimeoutMillis: 700,
    query_timeout: 700,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query<Row>(sql)).rows[0] as Row;
  } finally {
    client.end().catch(() => {});
  }
}

/** Bytes between two positions of one log; 0 when the second is level or further. */
export function bytesBetween(ahead: string | null, behind: string | null): number | null {
  if (ahead === null || behind === null) return null;
  const value = (text: string) => {
    const [high = "0", low = "0"] = text.split("/");
    return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
  };
  const distance = value(ahead) - value(behind);
  return distance > 0n ? Number(distance) : 0;
}
