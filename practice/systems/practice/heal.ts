import { ask, type DatabaseHost } from "../../environment/database.ts";
import { soon } from "../../environment/patience.ts";
import type { Application } from "./application.ts";
import { lookAtHost } from "./look.ts";

/**
 * Puts the environment back as it was at the beginning: the first server is primary and takes the traffic, the second streams
 * from it, nothing is fenced. Rows are kept from whichever server the application was writing to. With `handsBack: false`
 * the primary stays where the rows are.
 */
export async function heal(
  nodes: readonly [DatabaseHost, DatabaseHost],
  application: Application,
  monitorPassword: string,
  { handsBack = true } = {},
): Promise<void> {
  await Promise.all(nodes.map((node) => node.thaw()));
  const primary = await whoHasTheRows(nodes, application, monitorPassword);
  const standby = primary === nodes[0] ? nodes[1] : nodes[0];
  await makePrimary(primary);
  if (!(await follows(standby, primary))) await standby.follow(primary);
  await application.repoint(primary.target);
  await untilStreaming(primary);
  if (handsBack && primary !== nodes[0]) await handBack(primary, nodes[0], application);
}

/** A running primary before a standby or a dead one; between two, the one the application writes to. */
async function whoHasTheRows(
  nodes: readonly [DatabaseHost, DatabaseHost],
  application: Application,
  monitorPassword: string,
): Promise<DatabaseHost> {
  const writesTo = (await application.state())?.target.name;
  const looks = await Promise.all(nodes.map((node) => lookAtHost(node, monitorPassword)));
  const score = (i: 0 | 1) => (looks[i]?.role === "primary" ? 2 : 0) + (nodes[i].name === writesTo ? 1 : 0);
  return score(0) >= score(1) ? nodes[0] : nodes[1];
}

async function makePrimary(node: DatabaseHost): Promise<void> {
  await node.start();
  const [row] = await ask<{ standby: boolean }>(node, "select pg_is_in_recovery() as standby");
  if (row?.standby) await ask(node, "select pg_promote(true, 30)");
  await ask(node, "alter system reset all");
  await ask(node, "select pg_reload_conf()");
  await ask(node, "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active");
  await ask(node, "checkpoint");
}

async function follows(standby: DatabaseHost, primary: DatabaseHost): Promise<boolean> {
  if (!standby.running) return false;
  await ask(standby, "select pg_wal_replay_resume() where pg_is_in_recovery() and pg_is_wal_replay_paused()").catch(
    () => [],
  );
  const rows = await ask<{ level: boolean }>(
    primary,
    `select replay_lsn >= pg_current_wal_flush_lsn() - 65536 as level from pg_stat_replication
      where application_name = '${standby.name}' and state = 'streaming'`,
  ).catch(() => []);
  return rows[0]?.level === true;
}

/** A switchover without loss, from the second server back to the first. */
async function handBack(from: DatabaseHost, to: DatabaseHost, application: Application): Promise<void> {
  await ask(from, "alter system set default_transaction_read_only = on");
  await ask(from, "select pg_reload_conf()");
  await soon(`${to.name} having everything`, async () => {
    await ask(from, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
    const [there] = await ask<{ position: string }>(from, "select pg_current_wal_flush_lsn()::text as position");
    const [here] = await ask<{ level: boolean }>(
      to,
      `select pg_last_wal_replay_lsn() >= '${there?.position}' as level`,
    );
    const [again] = await ask<{ position: string }>(from, "select pg_current_wal_flush_lsn()::text as position");
    return here?.level === true && again?.position === there?.position;
  });
  await ask(to, "select pg_promote(true, 30)");
  await application.repoint(to.target);
  await ask(to, "checkpoint");
  await from.follow(to);
  await untilStreaming(to);
}

export async function untilStreaming(primary: DatabaseHost): Promise<void> {
  await soon(`a standby streaming from ${primary.name}`, async () => {
    const rows = await ask<{ state: string }>(primary, "select state from pg_stat_replication");
    return rows.some((row) => row.state === "streaming");
  });
}
