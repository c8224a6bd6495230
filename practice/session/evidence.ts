import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LifeboatError } from "../../src/lib/errors.ts";
import { projectRoot } from "../../src/lib/root.ts";

/** Evidence packs as an operator exports and an auditor checks them: by the programs people have, each in a process of its own. */

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ExportedPack {
  readonly folder: string;
  /** As the exporter printed it. */
  readonly manifestSha256: string;
}

/** What the verifier said of a pack. */
export interface Verdict {
  readonly whole: boolean;
  readonly problems: readonly { readonly code: string; readonly where: string; readonly says: string }[];
  readonly facts: readonly string[];
}

/** `lifeboat`: how the command line of the bot is started, with the bot's settings. @throws LifeboatError `evidence-not-exported` */
export async function exportEvidence(
  lifeboat: Command,
  { from, to, out }: { readonly from: Date; readonly to: Date; readonly out: string },
): Promise<ExportedPack> {
  const period = ["--from", from.toISOString(), "--to", to.toISOString()];
  const said = await ran(lifeboat, ["evidence", "export", ...period, "--out", out]);
  const manifestSha256 = /SHA-256 of manifest\.json: ([0-9a-f]{64})/.exec(said.out)?.[1];
  if (said.code === 0 && manifestSha256 !== undefined) return { folder: out, manifestSha256 };
  throw new LifeboatError({
    code: "evidence-not-exported",
    where: `lifeboat evidence export (exit code ${said.code})`,
    what: `${said.err}${said.out}`.trim().slice(0, 2000),
  });
}

/** Resolves when an export to this folder is under way: it is written beside its place. Or when it is over, or `signal` is aborted. */
export async function exportBegun(out: string, signal: AbortSignal): Promise<void> {
  const [folder, name] = [dirname(out), basename(out)];
  while (!signal.aborted) {
    const there = await readdir(folder);
    if (there.some((one) => one === name || one.startsWith(`${name}.partial-`))) return;
    await pause(20);
  }
}

/**
 * `publicKey`: of the operator, SPKI in base64. `checkpoints`: SHA-256 of those that were read where they are placed outside. Everything else
 * the verifier has from the pack: it gets no settings and no network.
 */
export async function verifyEvidence(
  pack: string,
  publicKey: string,
  checkpoints: readonly string[] = [],
): Promise<Verdict> {
  const verifier = {
    program: process.execPath,
    arguments: [join(projectRoot(), "verifier", "lifeboat-verify.mjs")],
    environment: { PATH: process.env.PATH ?? "" },
  };
  const said = await ran(verifier, [
    pack,
    ...["--key", publicKey, "--json"],
    ...checkpoints.flatMap((one) => ["--checkpoint", one]),
  ]);
  if (said.code !== 0 && said.code !== 1)
    throw new LifeboatError({ code: "evidence-not-checked", where: "lifeboat-verify", what: said.err.trim() });
  return JSON.parse(said.out) as Verdict;
}

/** What of two packs isn't the same, by their manifests: files, and parts of the manifest beside them. */
export async function differing(one: string, other: string): Promise<readonly string[]> {
  const [here, there] = await Promise.all([partsOf(one), partsOf(other)]);
  return [...new Set([...here.keys(), ...there.keys()])].filter((part) => here.get(part) !== there.get(part)).sort();
}

async function partsOf(pack: string): Promise<ReadonlyMap<string, string>> {
  const { files, ...rest } = JSON.parse(await readFile(join(pack, "manifest.json"), "utf8")) as {
    readonly files: readonly { readonly path: string; readonly sha256: string }[];
  };
  return new Map([
    ...files.map(({ path, sha256 }) => [path, sha256] as const),
    ...Object.entries(rest).map(([part, says]) => [`${part} of manifest.json`, JSON.stringify(says)] as const),
  ]);
}

/** What someone may do to a pack, and the name the verifier has for each. */
export const HARMS = {
  "flipped-byte": { title: "One flipped byte of an event", code: "event-changed", harm: flip },
  "dropped-tail": { title: "A dropped tail", code: "tail-cut", harm: (lines: Lines) => lines.slice(0, -2) },
  "rewritten-chain": { title: "A rewritten chain", code: "rewritten", harm: rewrite },
  "reordered-events": { title: "Two events in another order", code: "events-reordered", harm: reorder },
} as const;

export type Harm = keyof typeof HARMS;
type Lines = readonly string[];

/** Copies a pack and does this to its longest timeline of an incident. */
export async function harmed(pack: string, harm: Harm, copy: string): Promise<void> {
  await cp(pack, copy, { recursive: true });
  const timeline = await longestTimeline(copy);
  const lines = (await readFile(timeline, "utf8")).split("\n").filter((line) => line !== "");
  await writeFile(timeline, `${HARMS[harm].harm(lines).join("\n")}\n`);
}

async function longestTimeline(pack: string): Promise<string> {
  const folder = join(pack, "timelines");
  const files = (await readdir(folder)).filter((name) => name.startsWith("inc-")).sort();
  const sized = await Promise.all(files.map(async (name) => ({ name, size: (await stat(join(folder, name))).size })));
  const [longest] = sized.toSorted((one, other) => other.size - one.size);
  if (longest === undefined) throw new LifeboatError({ code: "pack-empty", where: pack, what: "It has no incident" });
  return join(folder, longest.name);
}

/** One bit of a digit in its middle: it stays JSON. */
function flip(lines: Lines): Lines {
  const at = Math.floor(lines.length / 2);
  return lines.with(
    at,
    (lines[at] ?? "").replace(
      /"key":"(.)/,
      (_, first: string) => `"key":"${String.fromCharCode(first.charCodeAt(0) ^ 1)}`,
    ),
  );
}

/** Everything from its middle on, with hashes that fit. */
function rewrite(lines: Lines): Lines {
  const from = Math.floor(lines.length / 2);
  let hash = "";
  return lines.map((line, at) => {
    const changed = at === from ? line.replace('"key":"', '"key":"forged-') : line;
    const text = at > from ? changed.replace(/"previousHash":"[0-9a-f]{64}"/, `"previousHash":"${hash}"`) : changed;
    hash = createHash("sha256").update(text).digest("hex");
    return text;
  });
}

function reorder(lines: Lines): Lines {
  const at = Math.floor(lines.length / 2);
  return lines.with(at, lines[at + 1] ?? "").with(at + 1, lines[at] ?? "");
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function ran(command: Command, given: readonly string[]): Promise<Said> {
  const options = { env: { ...command.environment }, maxBuffer: 1 << 26, timeout: 300_000 };
  return new Promise((done) => {
    execFile(command.program, [...command.arguments, ...given], options, (error, out, err) =>
      done({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
    );
  });
}
