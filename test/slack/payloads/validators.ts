import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";

/** Something the bot gave Slack to show: the blocks of a message, or a whole view. */
export type Payload =
  | { readonly surface: "message"; readonly blocks: readonly object[] }
  | { readonly surface: "modal" | "home"; readonly view: object };

/** What a validator says about each payload, in their order; an empty list: it takes it. */
export type Verdicts = readonly (readonly string[])[];

/** The interpreter that has the packages of `.ci/peers.txt`; `.ci/run` puts it on the `PATH`. */
export const PYTHON = "peers-python";

const HERE = import.meta.dirname;

/** By the models of `slack_sdk`, Slack's own SDK for Python: sizes, required fields, unknown ones. */
export async function bySlackSdk(payloads: readonly Payload[], python = PYTHON): Promise<Verdicts> {
  const lines = payloads.map((one) => `${JSON.stringify(one)}\n`).join("");
  const { code, out, err } = await run(python, [join(HERE, "blockkit.py")], lines);
  const verdicts = out.split("\n").filter((line) => line !== "");
  if (code !== 0 || verdicts.length !== payloads.length)
    throw new Error(
      `slack_sdk checked ${verdicts.length} of ${payloads.length} payloads, and ended with ${code}: ${err}`,
    );
  return verdicts.map((line) => JSON.parse(line) as string[]);
}

/** By the types of `@slack/types`: every payload as a literal, so that a property Slack has no name for is an error. */
export async function bySlackTypes(payloads: readonly Payload[]): Promise<Verdicts> {
  // A type looks at no word's length, so what differs only in words is compiled once.
  const shapes = payloads.map(structureOf);
  const first = new Map(shapes.map((shape, n) => [shape, n] as const).reverse());
  const distinct = [...first.values()].map((n) => payloads[n] as Payload);
  const declared = distinct.map((payload, n) => {
    if (payload.surface === "message")
      return `export const p${n}: types.KnownBlock[] = ${JSON.stringify(payload.blocks)};`;
    return `export const p${n}: types.${payload.surface === "modal" ? "ModalView" : "HomeView"} = ${JSON.stringify(payload.view)};`;
  });
  const errors = await compiled('import type { types } from "@slack/bolt";', declared);
  const at = new Map([...first.keys()].map((shape, n) => [shape, n]));
  return shapes.map((shape) => errors.get(at.get(shape) as number) ?? []);
}

function structureOf(payload: Payload): string {
  return JSON.stringify(payload, (key, value) =>
    typeof value === "string" && key !== "type" && key !== "style" ? "" : value,
  );
}

/**
 * Scopes that Slack has and the types of today don't know.
 *
 * @see https://docs.slack.dev/reference/scopes/canvases.write
 */
const NEWER_SCOPES: ReadonlySet<unknown> = new Set(["canvases:write"]);

/** A manifest by the type that `@slack/web-api` has for it. */
export async function manifestByTypes(manifest: unknown): Promise<readonly string[]> {
  const type = 'NonNullable<Parameters<WebClient["apps"]["manifest"]["validate"]>[0]>["manifest"]';
  const known = JSON.stringify(manifest, (_, value) => (NEWER_SCOPES.has(value) ? "chat:write" : value));
  const declared = `export const manifest: Exclude<${type}, string> = ${known};`;
  const errors = await compiled('import type { WebClient } from "@slack/web-api";', [declared]);
  return errors.get(0) ?? [];
}

/** What the compiler says, by declaration. */
async function compiled(head: string, declared: readonly string[]): Promise<ReadonlyMap<number, readonly string[]>> {
  const folder = join("node_modules", ".cache", "slack-payloads", String(process.pid));
  const file = join(folder, "payloads.ts");
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, [head, ...declared, ""].join("\n"));
  const options = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--ignoreConfig",
    "--module",
    "nodenext",
    "--types",
    "node",
  ];
  const { code, out } = await run(join("node_modules", ".bin", "tsc"), [...options, file], "");
  rmSync(folder, { recursive: true, force: true });
  const errors = new Map<number, string[]>();
  for (const [, line, says] of out.matchAll(/payloads\.ts\((\d+),\d+\): (error .+)/g)) {
    const n = Number(line) - 2;
    errors.set(n, [...(errors.get(n) ?? []), says as string]);
  }
  if (code !== 0 && errors.size === 0) throw new Error(`The payloads could not be compiled: ${out}`);
  return errors;
}

async function run(program: string, args: readonly string[], stdin: string) {
  const child = spawn(program, args, { stdio: "pipe" });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  const [out, err, ended] = await Promise.all([textOf(child.stdout), textOf(child.stderr), code]);
  return { code: ended, out, err };
}
