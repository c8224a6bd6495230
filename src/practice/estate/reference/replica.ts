import { join } from "node:path";
import { soon } from "../fleet.ts";
import type { PatroniEstate } from "../patroni/index.ts";
import { createServer, type Server } from "./server.ts";
import { sql } from "./sql.ts";

/** The read replica in us-west-2: follows whoever leads in us-east-1, through the load balancer, and by the archive if it must. */
export interface Replica {
  readonly server: Server;
  /** One that streams, whatever it was before. */
  follow(): Promise<void>;
}

const NAME = "reference-west";
const LOOKS = 4;
const FOLLOWS = `select exists (select from pg_stat_replication where application_name = '${NAME}' and state = 'streaming'
  and pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) < 1048576) as follows`;

export async function createReplica(patroni: PatroniEstate, balancerPort: number, archive: string): Promise<Replica> {
  const { fleet, programs, superuser, replication } = patroni;
  const server = await createServer(patroni, NAME);
  /**
   * By the leader's own account, several times in a row: a replica that took more from the archive than the new leader has
   * says that it streams, and is turned away each time.
   */
  const streams = async (): Promise<boolean> => {
    for (let look = 0; look < LOOKS; look++) {
      const [row] = await sql<{ follows: boolean }>(balancerPort, superuser, "postgres", [FOLLOWS]).catch(() => []);
      if (row?.follows !== true) return false;
      await new Promise((later) => setTimeout(later, 100));
    }
    return true;
  };
  return {
    server,
    async follow() {
      // A receiver that lost its leader a moment ago finds the next one by itself.
      const may = server.running && (await isStandby(server, superuser));
      if (may && (await soon("the replica streaming", 3, streams).catch(() => false))) return;
      await server.clear();
      const source = `host=127.0.0.1 port=${balancerPort} user=${replication.user}`;
      await fleet.run(
        join(programs, "pg_basebackup"),
        ["-d", source, "-D", server.folder, "-X", "stream", "-R", "-c", "fast", "--no-sync"],
        { PGPASSWORD: replication.password },
      );
      await server.start({
        primary_conninfo: `${source} password=${replication.password}`,
        restore_command: `cp ${archive}/%f %p`,
      });
      await soon("the replica streaming", 20, streams);
    },
  };
}

async function isStandby(server: Server, login: { user: string; password: string }): Promise<boolean> {
  const [row] = await sql<{ on: boolean }>(server.port, login, "postgres", ["select pg_is_in_recovery() as on"]).catch(
    () => [],
  );
  return row?.on === true;
}
