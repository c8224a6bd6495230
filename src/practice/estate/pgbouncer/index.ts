import { connect } from "node:net";
import { freePort } from "../../../lib/pgserver.ts";
import { type Member, openFleet, soon } from "../fleet.ts";

export const PGBOUNCER_PROGRAMS = ["pgbouncer"] as const;
export const PGBOUNCER_PACKAGES = ["pgbouncer"] as const;

/** One PgBouncer in transaction mode, on loopback and a free port, that leads one database to a server. */
export interface PgBouncerEstate {
  readonly port: number;
  readonly database: string;
  readonly login: { readonly user: string; readonly password: string };
  /** Its configuration: who may rewrite it leads clients elsewhere. */
  readonly configuration: string;
  readonly member: Member;
  stop(): Promise<void>;
}

export interface PgBouncerOptions {
  readonly database: string;
  readonly target: { readonly host: string; readonly port: number; readonly database: string };
  /** Of the servers behind it, and its own administrator. */
  readonly login: { readonly user: string; readonly password: string };
}

/** @throws LifeboatError `not-ready` */
export async function startPgBouncer({ database, target, login }: PgBouncerOptions): Promise<PgBouncerEstate> {
  const fleet = await openFleet("pgbouncer");
  try {
    const port = await freePort();
    const users = await fleet.write("users.txt", `"${login.user}" "${login.password}"\n`);
    const configuration = await fleet.write(
      "pgbouncer.ini",
      [
        "[databases]",
        `${database} = host=${target.host} port=${target.port} dbname=${target.database}`,
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        `listen_port = ${port}`,
        "unix_socket_dir =",
        "auth_type = plain",
        `auth_file = ${users}`,
        `admin_users = ${login.user}`,
        "pool_mode = transaction",
        "max_client_conn = 100",
        "default_pool_size = 10",
        "server_login_retry = 1",
        "query_wait_timeout = 120",
        "",
      ].join("\n"),
    );
    const member = await fleet.start("pgbouncer", [configuration]);
    await soon("PgBouncer listening", 20, () => listens(port));
    return { port, database, login, configuration, member, stop: () => fleet.stop() };
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
