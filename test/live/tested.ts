import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { projectRoot } from "../../src/lib/root.ts";
import type { Target } from "./target.ts";

/** One contract as it was held against one program that this project did not write. */
export interface Tested {
  readonly target: string;
  readonly program: string;
  /** As the program or its package says it, when it was met. */
  readonly version: string;
  /** `2026-11-30`, UTC. */
  readonly when: string;
  /** `suite`: `npm test` does it again each time, with what each deal says. Else in words: by whom, and at which commit. */
  readonly by: string;
  readonly held: readonly string[];
}

export const FILE = join(projectRoot(), "test/live/tested.json");
const run = promisify(execFile);

export async function readTested(): Promise<readonly Tested[]> {
  return JSON.parse(await readFile(FILE, "utf8")) as readonly Tested[];
}

/** Keeps what was held, where it is requested: `LIFEBOAT_TESTED=write npm test -- test/live`. */
export async function noteTested(
  entry: Omit<Tested, "when" | "version">,
  version: () => Promise<string>,
): Promise<void> {
  if (process.env.LIFEBOAT_TESTED !== "write") return;
  const made: Tested = { ...entry, version: await version(), when: new Date().toISOString().slice(0, 10) };
  const others = (await readTested()).filter(
    ({ target, program, by }) => target !== made.target || program !== made.program || by !== made.by,
  );
  const all = [...others, made].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  await writeFile(FILE, `${JSON.stringify(all, null, 2)}\n`);
}

function keyOf({ target, program, by }: Tested): string {
  return [target, program, by].join("|");
}

/** What the stand-in of a target really runs, where that is a program of others: the packages it needs, or PostgreSQL. */
export function programOf({ id, needs }: Target): string | null {
  if (id === "postgres") return "PostgreSQL";
  return needs?.packages.join(", ") ?? null;
}

export async function versionOf({ id, needs }: Target, environment: Readonly<Record<string, string>>): Promise<string> {
  if (id === "postgres") return await serverVersion(environment);
  const packages = needs?.packages ?? [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format
  const { stdout } = await run("dpkg-query", ["-W", "-f=${Package} ${Version}, ", ...packages]);
  const versions = stdout.replace(/, $/, "");
  return packages.length === 1 ? versions.replace(/^\S+ /, "") : versions;
}

async function serverVersion({
  POSTGRES_PRIMARY,
  POSTGRES_PASSWORD,
}: Readonly<Record<string, string>>): Promise<string> {
  const url = new URL(POSTGRES_PRIMARY ?? "");
  url.password = POSTGRES_PASSWORD ?? "";
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    return rows[0]?.server_version ?? "";
  } finally {
    await client.end();
  }
}
