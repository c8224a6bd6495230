import { execFile } from "node:child_process";
import { chown, mkdir, realpath, rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { unprivilegedUser } from "../../../src/embedded-postgres/binaries.ts";
import type { Passwords } from "../../environment/database.ts";
import type { Fleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";
import { createDebianHost, type DebianHost } from "./debian-host.ts";

export type { DebianHost } from "./debian-host.ts";

export const PGBACKREST_PROGRAMS = ["postgres", "initdb", "pg_restore", "pgbackrest"] as const;
export const PGBACKREST_PACKAGES = ["postgresql", "pgbackrest"] as const;

/** One repository on this machine, and the servers that archive into it. */
export interface Repository {
  readonly stanza: string;
  /**
   * A server whose log goes into the repository; its configuration of pgBackRest is its own, as on a machine of its own.
   * `archives: false`: one that is only restored to.
   */
  host(name: string, options?: { readonly archives?: boolean }): Promise<ArchivedHost>;
  /** Removes every backup and all of the log. */
  forget(): Promise<void>;
}

export interface ArchivedHost extends DebianHost {
  /** As a runbook names the host to the pgbackrest actions. */
  readonly input: {
    readonly name: string;
    readonly runAs: string;
    readonly config: string;
    readonly stanza: string;
    readonly data: string;
  };
  /** Beside the data folder, for what a restore copies aside. */
  readonly copies: string;
  /** pgBackRest as a person on the host would call it; rejects with what it said. */
  pgbackrest(...given: readonly string[]): Promise<string>;
}

const run = promisify(execFile);

export async function createRepository(fleet: Fleet, passwords: Passwords, stanza = "main"): Promise<Repository> {
  const account = await accountOfServers();
  const folder = async (name: string) => {
    const made = join(fleet.folder, name);
    await mkdir(made, { recursive: true, mode: 0o750 });
    const { uid, gid } = await unprivilegedUser();
    if (uid !== undefined && gid !== undefined) await chown(made, uid, gid);
    return await realpath(made);
  };
  const repository = await folder("repository");
  return {
    stanza,
    async forget() {
      for (const kind of ["archive", "backup"]) await rm(join(repository, kind), { recursive: true, force: true });
    },
    async host(name, { archives = true } = {}) {
      const [logs, locks, spool, copies] = await Promise.all(
        ["log", "lock", "spool", "copies"].map((kind) => folder(`${name}-${kind}`)),
      );
      const config = join(fleet.folder, `${name}-pgbackrest.conf`);
      const archive = `pgbackrest --config=${config} --stanza=${stanza} archive-push %p`;
      const settings = archives ? { archive_mode: "on", archive_command: archive, archive_timeout: 60 } : {};
      const host = await createDebianHost(fleet, { name, passwords, settings });
      await fleet.write(
        `${name}-pgbackrest.conf`,
        [
          "[global]",
          `repo1-path=${repository}`,
          "repo1-retention-full=4",
          `log-path=${logs}`,
          `lock-path=${locks}`,
          `spool-path=${spool}`,
          "log-level-file=off",
          "start-fast=y",
          "compress-type=lz4",
          "process-max=2",
          `[${stanza}]`,
          `pg1-path=${host.folder}`,
          `pg1-port=${host.port}`,
          `pg1-socket-path=${fleet.folder}`,
          "",
        ].join("\n"),
      );
      const call = async (...given: readonly string[]) => {
        const words = ["pgbackrest", `--config=${config}`, `--stanza=${stanza}`, ...given];
        const [program, ...rest] = process.getuid?.() === 0 ? ["runuser", "-u", account, "--", ...words] : words;
        return (await run(program as string, rest, { cwd: "/", timeout: 60_000 })).stdout;
      };
      return Object.assign(host, {
        input: { name, runAs: account, config, stanza, data: host.folder },
        copies: copies as string,
        pgbackrest: call,
      });
    },
  };
}

/** Makes the stanza and a first full backup, on a primary that runs; resolves when the log is archived too. */
export async function firstBackup(host: ArchivedHost): Promise<void> {
  await host.pgbackrest("stanza-create");
  await host.pgbackrest("backup", "--type=full");
  await soon("the first log being archived", async () => {
    const [stanza] = JSON.parse(await host.pgbackrest("info", "--output=json"));
    return stanza?.archive?.[0]?.max != null;
  });
}

async function accountOfServers(): Promise<string> {
  const { uid } = await unprivilegedUser();
  return uid === undefined ? userInfo().username : (await run("id", ["-nu", String(uid)])).stdout.trim();
}
