import { connect } from "node:net";
import { freePort } from "../../../src/lib/port.ts";
import { type Member, openFleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";

export const PGBOUNCER_PROGRAMS = ["pgbouncer"] as const;
export const PGBOUNCER_PACKAGES = ["pgbouncer"] as const;

/** One PgBouncer in transaction mode, on loopback and a free port, that leads one database to a server. */
export interface PracticePgBouncer {
  readonly port: number;
  readonly database: string;
  readonly login: { readonly user: string; readonly password: string };
  /** Its configuration: who may rewrite it leads clients elsewhere. */
  readonly configuration: string;
  readonly member: Member;
  /** Where it leads is written into its file; `RELOAD` on its console makes it count. */
  lead(target: PgBouncerOptions["target"]): Promise<void>;
  /** Ends it, with every client's connection, and starts it again on the same port. */
  halt(): Promise<void>;
  run(): Promise<void>;
  stop(): Promise<void>;
}

export interface PgBouncerOptions {
  readonly database: string;
  readonly target: { readonly host: string; readonly port: number; readonly database: string };
  /** Of the servers behind it, and its own administrator. */
  readonly login: { readonly user: string; readonly password: string };
  /** Who may connect beside the administrator; servers behind it know them by the same password. */
  readonly users?: readonly { readonly user: string; readonly password: string }[];
}

/** @throws LifeboatError `not-ready` */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PracticePgBouncer> {
  const { database, login, users = [] } = options;
  const fleet = await openFleet("pgbouncer");
  try {
    const port = await freePort();
    const known = [login, ...users].map(({ user, password }) => `"${user}" "${password}"\n`).join("");
    const authFile = await fleet.write("users.txt", known);
    const lead = (target: PgBouncerOptions["target"]) =>
      fleet.write("pgbouncer.ini", settingsFor(options, { target, port, authFile }));
    const configuration = await lead(options.target);
    const run = async (): Promise<Member> => {
      const started = await fleet.start("pgbouncer", [configuration]);
      await soon("PgBouncer listening", () => listens(port));
      return started;
    };
    let member = await run();
    return {
      port,
      database,
      login,
      configuration,
      get member() {
        return member;
      },
      async lead(target) {
        await lead(target);
      },
      halt: () => member.kill(),
      async run() {
        if (!member.running) member = await run();
      },
      stop: () => fleet.stop(),
    };
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

function settingsFor(
  { database, login }: PgBouncerOptions,
  now: { readonly target: PgBouncerOptions["target"]; readonly port: number; readonly authFile: string },
): string {
  const { target, port, authFile } = now;
  return [
    "[databases]",
    `${database} = host=${target.host} port=${target.port} dbname=${target.database}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = plain",
    `auth_file = ${authFile}`,
    `admin_users = ${login.user}`,
    "pool_mode = transaction",
    "max_client_conn = 100",
    "default_pool_size = 10",
    "server_login_retry = 1",
    "query_wait_timeout = 120",
    "",
  ].join("\n");
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
