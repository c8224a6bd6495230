import { readdir } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { allowedAddresses, kindOfAddress } from "../../lib/address.ts";
import { type ChildEnd, type ChildRule, runChild } from "../../lib/child.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext, ReadContext } from "../contract.ts";
import { runRecorded } from "../recorded.ts";
import type { Node } from "./node.ts";

export type Program = "pg_dump" | "pg_restore";

/** Where packages put the programs of each major version: Debian, then Red Hat. */
const VERSIONED = [
  { parent: "/usr/lib/postgresql", folder: /^(\d+)$/ },
  { parent: "/usr", folder: /^pgsql-(\d+)$/ },
];
const PLAIN = ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"];

export interface Programs {
  readonly folder: string;
  /** 15 of "pg_dump (PostgreSQL) 15.18". */
  readonly major: number;
}

/** PostgreSQL's own programs on this machine, the newest first, or null when there are none. */
export async function programsHere(ctx: ReadContext): Promise<Programs | null> {
  for (const folder of [...(await versioned()), ...PLAIN]) {
    const end = await runChild(childOf(ctx, join(folder, "pg_restore"), ["--version"], {}, 5)).catch(() => null);
    const major = Number(/\(PostgreSQL\) (\d+)/.exec(end?.output ?? "")?.[1]);
    if (end?.code === 0 && major > 0) return { folder, major };
  }
  return null;
}

async function versioned(): Promise<readonly string[]> {
  const found: { folder: string; major: number }[] = [];
  for (const { parent, folder } of VERSIONED) {
    for (const name of await readdir(parent).catch(() => [])) {
      const major = Number(folder.exec(name)?.[1]);
      if (major > 0) found.push({ folder: join(parent, name, "bin"), major });
    }
  }
  return found.sort((a, b) => b.major - a.major).map((one) => one.folder);
}

/**
 * Runs one of the programs against a server, without a shell. The password is in its environment and nowhere else; it is
 * connected to the address that was looked up here.
 * @throws LifeboatError `program-failed` with the last lines it said
 */
export async function runProgram(
  ctx: ReadContext,
  program: Program,
  given: readonly string[],
  rule: ProgramRule,
): Promise<ChildEnd> {
  const programs = await programsHere(ctx);
  if (programs === null) throw missing();
  const environment = rule.node ? await environmentFor(ctx, rule.node) : {};
  const child = childOf(ctx, join(programs.folder, program), given, environment, rule.seconds, rule.bytesMax);
  const end = await (rule.changes ? runRecorded(rule.changes, `${program}: started`, child) : runChild(child));
  if (end.code === 0 && end.ended === null) return end;
  const how = end.ended === null ? `ended with ${end.code ?? end.signal}` : `was ended (${end.ended})`;
  const tail = end.output.trim().split("\n").slice(-4).join(" | ").slice(-600);
  throw new LifeboatError({
    code: "program-failed",
    where: program,
    what: `It ${how}.${tail === "" ? "" : ` It last said: ${tail}`}`,
  });
}

interface ProgramRule {
  readonly node?: Node;
  readonly seconds: number;
  readonly bytesMax?: number;
  /** It changes something: the attempt it is a part of. */
  readonly changes?: ApplyContext;
}

export function missing(): LifeboatError {
  return new LifeboatError({
    code: "program-missing",
    what: "pg_dump and pg_restore are not on the machine this runs on",
    next: "Install PostgreSQL's client programs of the server's version or newer: apt-get install postgresql-client",
  });
}

function childOf(
  ctx: ReadContext,
  program: string,
  given: readonly string[],
  environment: Readonly<Record<string, string>>,
  seconds: number,
  bytesMax = 64 * 1024,
): ChildRule {
  return {
    program,
    arguments: given,
    environment: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...environment },
    folder: "/",
    seconds,
    bytesMax,
    signal: ctx.signal,
  };
}

async function environmentFor(ctx: ReadContext, node: Node): Promise<Record<string, string>> {
  const [address] = await allowedAddresses(node.host, { practice: ctx.practice, signal: ctx.signal });
  const wanted = node.tls ?? (kindOfAddress(address as string) === "loopback" ? "off" : "verify");
  const mode = { off: "disable", encrypt: "require", verify: "verify-full" }[wanted];
  return {
    ...(isIP(node.host) ? { PGHOST: node.host } : { PGHOST: node.host, PGHOSTADDR: address as string }),
    PGPORT: String(node.port),
    PGDATABASE: node.database,
    PGUSER: node.user,
    PGPASSWORD: ctx.secret(node.passwordFrom),
    PGSSLMODE: mode,
    ...(mode === "verify-full" ? { PGSSLROOTCERT: "/etc/ssl/certs/ca-certificates.crt" } : {}),
    PGCONNECT_TIMEOUT: "10",
    PGPASSFILE: "/dev/null",
    PGSYSCONFDIR: "/nonexistent",
  };
}
