import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { sha256 } from "../lib/canonical.ts";
import { type ChildEnd, runChild } from "../lib/child.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Check, ReadContext } from "./contract.ts";

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

/** SHA-256 of the file as it is now, or null when it can not be read. */
export async function hashNow(script: Script): Promise<string | null> {
  return await readFile(script.path).then(sha256, () => null);
}

export function unchanged(script: Script, hash: string | null): Check {
  const says =
    hash === null
      ? `Script ${script.name} can not be read at ${script.path}.`
      : `Script ${script.name} was edited after the plan was made. Ask for the run again, so that the new one is approved.`;
  const ok = hash === script.sha256;
  return {
    id: "script.unchanged",
    level: "block",
    ok,
    says: ok ? `Script ${script.name} is as it was planned.` : says,
  };
}

/**
 * Runs exactly the bytes that were approved: they are read once, compared with the plan, and a private copy of them is
 * started, so an edit in between changes nothing. A script is therefore one file; it imports only what Node has.
 * Rejects when it does not end with 0; its output never carries a secret it was given.
 */
export async function runScript(
  ctx: ReadContext,
  script: Script,
  given: readonly string[],
  seconds: number,
): Promise<ChildEnd> {
  const bytes = await readFile(script.path);
  if (sha256(bytes) !== script.sha256) {
    throw new LifeboatError({
      code: "script-changed",
      where: script.name,
      what: "The script is not the one that was planned and approved",
      stateNow: "It was not started",
      next: "Ask for the run again, so that the new script is approved",
    });
  }
  const secrets = Object.fromEntries(script.environment.map((name) => [name, ctx.secret(name)]));
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-script-"));
  try {
    const copy = join(folder, basename(script.path));
    await writeFile(copy, bytes);
    await chmod(copy, 0o500);
    const end = await start(ctx, script, copy, given, { folder, seconds, secrets });
    return refuseFailed(script, { ...end, output: withoutSecrets(end.output, Object.values(secrets)) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function start(
  ctx: ReadContext,
  script: Script,
  copy: string,
  given: readonly string[],
  rule: { readonly folder: string; readonly seconds: number; readonly secrets: Record<string, string> },
): Promise<ChildEnd> {
  const byNode = [".mjs", ".cjs", ".js"].includes(extname(copy));
  try {
    return await runChild({
      program: byNode ? process.execPath : copy,
      arguments: byNode ? [copy, ...given] : given,
      environment: { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", HOME: rule.folder, ...rule.secrets },
      folder: rule.folder,
      seconds: rule.seconds,
      bytesMax: OUTPUT_BYTES_MAX,
      signal: ctx.signal,
    });
  } catch (error) {
    throw new LifeboatError(
      {
        code: "script-not-started",
        where: script.name,
        what: `The script could not be started: ${messageOf(error)}`,
        stateNow: "It was not started",
      },
      { cause: error },
    );
  }
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
    what: `The script ${how}${tail === "" ? "" : `, and last said: ${tail.slice(-600)}`}`,
    stateNow: "What it had done until then stands; the next look at the target tells",
  });
}

function withoutSecrets(output: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length > 3)
    .reduce((text, secret) => text.replaceAll(secret, "[secret]"), output);
}
