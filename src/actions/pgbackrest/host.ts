import { userInfo } from "node:os";
import { z } from "zod";
import { allowedAddresses } from "../../lib/address.ts";
import { type ChildEnd, type ChildRule, runChild } from "../../lib/child.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext, ReadContext } from "../contract.ts";
import { runRecorded } from "../recorded.ts";

/** Letters a login shell at the other end of ssh reads as themselves, also between single quotes. */
const plain = /^[A-Za-z0-9_@%+=:,./ -]+$/;
const path = z
  .string()
  .startsWith("/")
  .regex(/^[A-Za-z0-9_@%+=:,./-]+$/, "may hold letters, digits and _@%+=:,./- only");
const account = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/);

/** The machine PostgreSQL's files are on: pgBackRest works there and nowhere else. */
export const hostInput = z.strictObject({
  name: z.string().min(1).max(63),
  /** Left out: this machine. */
  ssh: z
    .strictObject({
      user: account,
      host: z.string().regex(/^[A-Za-z0-9.:-]+$/),
      port: z.number().int().min(1).max(65535).default(22),
      /** Private key and known hosts, as files of their own: nothing of anyone's home folder is used. */
      identity: path,
      knownHosts: path,
    })
    .optional(),
  /** Whose account the programs run under, if it is not the one we come as: by runuser for root, by sudo -n for others. */
  runAs: account.optional(),
  /** pgBackRest's configuration, if it is not where packages put it. */
  config: path.optional(),
  stanza: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  /** PostgreSQL's data folder. */
  data: path,
});
export type Host = z.infer<typeof hostInput>;
export const pathInput = path;

/** All that is ever started on a database host. */
export type Program = "pgbackrest" | "ls" | "cat" | "cp" | "mv" | "df" | "du";

export function resourceOf({ ssh, data }: Host): string {
  return `pgbackrest:${ssh?.host.toLowerCase() ?? "here"}:${data}`;
}

/**
 * Runs one program on a database host. Locally without a shell; over ssh every word is one of `plain` and quoted, because
 * the other end always has one. Resolves however the program ended.
 */
export async function runOn(
  ctx: ReadContext,
  host: Host,
  program: Program,
  given: readonly string[],
  seconds: number,
): Promise<ChildEnd> {
  return await runChild(await childOf(ctx, host, program, given, seconds));
}

async function childOf(
  ctx: ReadContext,
  host: Host,
  program: Program,
  given: readonly string[],
  seconds: number,
): Promise<ChildRule> {
  const words = [...asWhom(host), program, ...given];
  const [start, ...rest] = host.ssh ? await overSsh(ctx, host.ssh, words) : words;
  return {
    program: start as string,
    arguments: rest,
    environment: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" },
    folder: "/",
    seconds,
    bytesMax: 8 * 1024 * 1024,
    signal: ctx.signal,
  };
}

/** As `runOn`, where only 0 will do. @throws LifeboatError `host-program-failed` with the last lines it said */
export async function mustRun(
  ctx: ReadContext,
  host: Host,
  program: Program,
  given: readonly string[],
  seconds: number,
): Promise<string> {
  return outputOf(host, program, await runOn(ctx, host, program, given, seconds));
}

/** The same for what changes something there. */
export async function changeOn(
  ctx: ApplyContext,
  host: Host,
  program: Program,
  given: readonly string[],
  seconds: number,
): Promise<string> {
  const child = await childOf(ctx, host, program, given, seconds);
  return outputOf(host, program, await runRecorded(ctx, `${host.name}: ${program} started`, child));
}

function outputOf(host: Host, program: Program, end: ChildEnd): string {
  if (end.code === 0 && end.ended === null) return end.output;
  const tail = end.output.trim().split("\n").slice(-4).join(" | ").slice(-600);
  const how = end.ended === null ? `ended with ${end.code ?? end.signal}` : `was ended (${end.ended})`;
  throw new LifeboatError({
    code: "host-program-failed",
    where: `${host.name}, ${program}`,
    what: `It ${how}.${tail === "" ? "" : ` It last said: ${tail}`}`,
  });
}

export function pgbackrest({ config, stanza }: Host, command: string, ...given: readonly string[]): string[] {
  return [...(config === undefined ? [] : [`--config=${config}`]), `--stanza=${stanza}`, ...given, command];
}

function asWhom({ ssh, runAs }: Host): readonly string[] {
  if (runAs === undefined) return [];
  const we = ssh?.user ?? userInfo().username;
  if (we === runAs) return [];
  return we === "root" ? ["runuser", "-u", runAs, "--"] : ["sudo", "-n", "-u", runAs, "--"];
}

async function overSsh(ctx: ReadContext, ssh: NonNullable<Host["ssh"]>, words: readonly string[]): Promise<string[]> {
  const [address] = await allowedAddresses(ssh.host, { practice: ctx.practice, signal: ctx.signal });
  return sshCommand(ssh, address as string, words);
}

/** What is started for words to be run elsewhere; no configuration of anyone's takes part in it. */
export function sshCommand(ssh: NonNullable<Host["ssh"]>, address: string, words: readonly string[]): string[] {
  const settings = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    IdentitiesOnly: "yes",
    ClearAllForwardings: "yes",
    ConnectTimeout: "5",
    ServerAliveInterval: "10",
    ServerAliveCountMax: "3",
    UserKnownHostsFile: ssh.knownHosts,
    HostKeyAlias: ssh.host,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const told = ["-F", "none", "-T", ...options, "-i", ssh.identity, "-p", String(ssh.port), "-l", ssh.user];
  return ["ssh", ...told, "--", address, words.map(quoted).join(" ")];
}

function quoted(word: string): string {
  if (plain.test(word)) return `'${word}'`;
  throw new LifeboatError({
    code: "word-not-plain",
    what: `“${word}” can't be passed to another machine safely`,
    allowed: "Letters, digits, spaces and _@%+=:,./-",
    stateNow: "Nothing was started",
  });
}
