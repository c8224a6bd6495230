import { access, chmod, chown, constants, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, extname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { sha256 } from "../lib/canonical.ts";
import { type ChildEnd, runChild } from "../lib/child.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import { type OwnFolder, ownFolder } from "../lib/own-folder.ts";
import { redactor } from "../lib/redact.ts";
import { writableByOthers } from "../lib/writable.ts";
import type { ApplyContext, Check } from "./contract.ts";

/**
 * A script the system allows, as the plan carries it: where it is, the SHA-256 of its bytes when the plan was made, and
 * which environment variables it may see. The runbook names it; the catalogue puts this in its place.
 */
export const scriptInput = z.strictObject({
  name: z.string().min(1),
  path: z.string().refine(isAbsolute, "has to be an absolute path"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  environment: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/)).max(50),
});
export type Script = z.infer<typeof scriptInput>;

/** No byte 0, which no program could receive; everything else arrives as it is, because no shell reads it. */
export const scriptArguments = z
  .array(
    z
      .string()
      .max(4096)
      .refine((text) => !text.includes("\0"), "has a byte 0"),
  )
  .max(50);

const OUTPUT_BYTES_MAX = 16 * 1024;
const PATH = "/usr/local/bin:/usr/bin:/bin";

/** SHA-256 of the file as it is now, or null when it can't be read. */
export async function hashNow(script: Script): Promise<string | null> {
  return await readFile(script.path).then(sha256, () => null);
}

export function unchanged(script: Script, hash: string | null): Check {
  const says =
    hash === null
      ? `Script ${script.name} can't be read at ${script.path}.`
      : `Script ${script.name} was edited after the plan was made.`;
  const ok = hash === script.sha256;
  return {
    id: "script.unchanged",
    level: "block",
    ok,
    says: ok ? `Script ${script.name} is as it was planned.` : says,
    next: "Request the run again, so that the new one is approved.",
  };
}

/**
 * Runs exactly the bytes that were approved: they are read once, compared with the plan, and a private copy of them is
 * started, so an edit in between changes nothing. A script is therefore one file; it imports only what Node has. Which
 * process it is stands on the timeline before it begins.
 * Rejects when it does not end with 0; its output never carries a secret it was given.
 */
export async function runScript(
  ctx: ApplyContext,
  script: Script,
  given: readonly string[],
  seconds: number,
): Promise<ChildEnd> {
  refuseOpenToOthers(script);
  const bytes = await readFile(script.path);
  if (sha256(bytes) !== script.sha256) {
    throw new LifeboatError({
      code: "script-changed",
      where: script.name,
      what: "The script is not the one that was planned and approved",
      stateNow: "It was not started",
      next: "Request the run again, so that the new script is approved",
    });
  }
  const secrets = Object.fromEntries(script.environment.map((name) => [name, ctx.secret(name)]));
  const own = await ownFolder();
  try {
    const home = join(own.path, "home");
    const copy = join(home, basename(script.path));
    await mkdir(home, { mode: 0o700 });
    await writeFile(copy, bytes);
    await chmod(copy, 0o500);
    if (ctx.scriptUser)
      for (const path of [copy, home, own.path]) await chown(path, ctx.scriptUser.uid, ctx.scriptUser.gid);
    const end = await start(ctx, script, copy, given, { home, own, seconds, secrets });
    return refuseFailed(script, presentable(end, Object.values(secrets)));
  } finally {
    await own.remove();
  }
}

/** The one who may write to it, or put another in its place, could have it do anything the next time it is planned. */
function refuseOpenToOthers(script: Script): void {
  const open = writableByOthers(script.path);
  if (open === null) return;
  throw new LifeboatError({
    code: "script-writable",
    where: script.name,
    what: `${open} can be written to by other users of this machine`,
    stateNow: "It was not started",
    next: `chmod go-w ${open}, check the script's content, and request the run again`,
  });
}

interface Rule {
  readonly home: string;
  readonly own: OwnFolder;
  readonly seconds: number;
  readonly secrets: Readonly<Record<string, string>>;
}

async function start(
  ctx: ApplyContext,
  script: Script,
  copy: string,
  given: readonly string[],
  { home, own, seconds, secrets }: Rule,
): Promise<ChildEnd> {
  const byNode = [".mjs", ".cjs", ".js"].includes(extname(copy));
  let launched = false;
  try {
    return await runChild({
      program: byNode ? await nodeForScripts() : copy,
      arguments: byNode ? [copy, ...given] : given,
      environment: { ...secrets, PATH, LANG: "C.UTF-8", HOME: home },
      folder: home,
      seconds,
      bytesMax: 2 * OUTPUT_BYTES_MAX,
      signal: ctx.signal,
      recorded: {
        folder: own.path,
        contained: true,
        ...(ctx.scriptUser && { user: ctx.scriptUser }),
        async launched(child) {
          await own.usedBy(child);
          await ctx.launched(child, `${script.name}: started`);
          launched = true;
        },
      },
    });
  } catch (error) {
    throw new LifeboatError(
      {
        code: "script-not-started",
        where: script.name,
        what: `The script could not be started: ${messageOf(error)}`,
        stateNow: launched ? "Whether it was started is not known" : "It was not started",
      },
      { cause: error },
    );
  }
}

/** Ours, unless it may not be read (then no one reads our environment either): another of the same kind. */
async function nodeForScripts(): Promise<string> {
  for (const path of [process.execPath, ...PATH.split(":").map((folder) => join(folder, "node"))])
    if (
      await access(path, constants.R_OK | constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  return process.execPath;
}

function refuseFailed(script: Script, end: ChildEnd): ChildEnd {
  if (end.code === 0 && end.ended === null) return end;
  const how =
    end.ended === "deadline"
      ? `was ended at its deadline after ${Math.round(end.seconds)} s`
      : end.ended === "aborted"
        ? "was ended because the step was stopped"
        : end.code === null
          ? `was ended by ${end.signal}`
          : `ended with exit code ${end.code}`;
  const tail = end.output.trim().split("\n").slice(-5).join(" | ");
  throw new LifeboatError({
    code: "script-failed",
    where: script.name,
    what: `The script ${how}.${tail === "" ? "" : ` It last said: ${tail.slice(-600)}`}`,
    stateNow: "What it had done until then stands; the next look at the target tells",
  });
}

/** A little more than is kept is read, so that a secret at the end is known as a whole before it is cut. */
function presentable(end: ChildEnd, secrets: readonly string[]): ChildEnd {
  const bytes = Buffer.from(redactor(secrets)(end.output), "utf8");
  const cut = end.cut || bytes.length > OUTPUT_BYTES_MAX;
  return { ...end, cut, output: bytes.subarray(0, OUTPUT_BYTES_MAX).toString("utf8") };
}
