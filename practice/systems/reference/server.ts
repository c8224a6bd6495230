import { rm } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../../src/lib/port.ts";
import type { Member } from "../../environment/fleet.ts";
import { endServerOf } from "../../environment/leftovers.ts";
import { soon } from "../../environment/patience.ts";
import type { PatroniCluster } from "../../targets/patroni/index.ts";
import { type Login, sql } from "./sql.ts";

/** A PostgreSQL beside the cluster, on data that came from it: the replica in the other region, or a restored server. */
export interface Server {
  readonly port: number;
  readonly folder: string;
  readonly running: boolean;
  /** Settings are given on the command line, so they win over those that came with the data. */
  start(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it and removes its data. */
  clear(): Promise<void>;
}

export async function createServer({ fleet, programs, superuser }: PatroniCluster, name: string): Promise<Server> {
  const port = await freePort();
  const folder = join(fleet.folder, name);
  let member: Member | null = null;
  return {
    port,
    folder,
    get running() {
      return member?.running === true;
    },
    async start(settings) {
      const all = {
        port: String(port),
        listen_addresses: "127.0.0.1",
        unix_socket_directories: fleet.folder,
        // Patroni wrote the paths of the member this data came from.
        hba_file: join(folder, "pg_hba.conf"),
        ident_file: join(folder, "pg_ident.conf"),
        archive_mode: "off",
        // A leader that was a replica once still carries the slot it had then.
        primary_slot_name: "",
        hot_standby: "on",
        cluster_name: name,
        wal_retrieve_retry_interval: "200ms",
        fsync: "off",
        ...settings,
      };
      const given = Object.entries(all).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
      member = await fleet.start(join(programs, "postgres"), ["-D", folder, ...given]);
      await answers(port, superuser, name);
    },
    async clear() {
      await endServerOf(folder);
      await member?.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number, login: Login, name: string): Promise<void> {
  await soon(`${name} answering`, async () => (await sql(port, login, "postgres", ["select 1"])).length === 1);
}
