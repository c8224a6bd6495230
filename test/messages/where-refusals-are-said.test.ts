import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parseSync } from "@swc/core";
import { projectRoot } from "../../src/lib/root.ts";

/**
 * Refusals are codes with facts; their sentences are in `templates/messages`. These files of the domain say something themselves, each
 * because the timeline keeps it as text, or because only a developer reads it.
 */
const SAID_IN_THE_DOMAIN: Readonly<Record<string, string>> = {
  "src/incident/accounting.ts": "titles of the parts of a recovery, kept in a post-mortem's numbers",
  "src/incident/authority.ts": "why an approval counts no more: kept in `gate.voided`",
  "src/incident/break-glass.ts": "why a break-glass counts no more: kept in `gate.voided`",
  "src/incident/conforms.ts": "what the catalogue asks for today: kept in `gate.voided`",
  "src/incident/decide/runs.ts": "why an approval is void: kept in `gate.voided`",
  "src/incident/decide/steps.ts": "why an approval is void: kept in `gate.voided`",
  "src/incident/evolve.ts": "an entry of another version: the problem of the run it stops",
  "src/incident/evolve/gate.ts": "what an expired request says of itself, from its event",
  "src/incident/gates.ts": "why a level was skipped and an approval is void: kept in `gate.escalated`, `gate.voided`",
  "src/incident/start.ts": "why a step may not start: kept in `gate.voided`, else in the engine's log",
  "src/incident/status.ts": "what a run is stopped by, from its events",
  "src/incident/undo.ts": "plans of 0.1 don't say whether a step can be undone",
};

const WORDS_OF_A_SENTENCE = 4;

describe("refusals are said in templates/messages", () => {
  test("commands write down no problem themselves", () => {
    expect(filesIn("commands").flatMap((file) => problemsIn(file))).toEqual([]);
  });

  test("commands say nothing themselves: what they answer is in answers.ts of its subject", () => {
    expect(filesIn("commands").flatMap((file) => sentencesIn(file).map((says) => ({ file, says })))).toEqual([]);
  });

  test("the domain says nothing itself, except what the timeline keeps", () => {
    const found = filesIn("src/incident").flatMap((file) =>
      [...problemsIn(file), ...sentencesIn(file)].map((says) => ({ file, says })),
    );
    expect(found.filter(({ file }) => SAID_IN_THE_DOMAIN[file] === undefined)).toEqual([]);
    const named = new Set(found.map(({ file }) => file));
    expect(Object.keys(SAID_IN_THE_DOMAIN).filter((file) => !named.has(file))).toEqual([]);
  });

  test("both would be found", () => {
    const source = `stop({ code: "x", what: "There is no run here" }); const a = "It can't be done now.";`;
    expect(problemsOf(source)).toEqual(["There is no run here"]);
    expect(sentencesOf(source)).toEqual(["There is no run here", "It can't be done now."]);
  });
});

function filesIn(place: string): readonly string[] {
  const root = projectRoot();
  return readdirSync(join(root, place), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => relative(root, join(root, place, file)));
}

function problemsIn(file: string): readonly string[] {
  return problemsOf(readFileSync(join(projectRoot(), file), "utf8"));
}

function sentencesIn(file: string): readonly string[] {
  return sentencesOf(readFileSync(join(projectRoot(), file), "utf8"));
}

type Node = { readonly type?: string } & Readonly<Record<string, unknown>>;

/** What is said by the `what` of an object that has one: literals with a space in them. */
function problemsOf(source: string): readonly string[] {
  const found: string[] = [];
  walk(source, (node) => {
    if (node.type !== "KeyValueProperty" || (node.key as Node).value !== "what") return undefined;
    walkNode(node.value, (inner) => {
      const text = textOf(inner);
      if (text !== null && /\S \S/.test(text) && wordsIn(text) > 2) found.push(text);
      return undefined;
    });
    return undefined;
  });
  return found;
}

/** A command's own help stands with its grammar. */
const HELP: ReadonlySet<string> = new Set(["summary", "usage", "examples"]);

function isHelp(node: Node): boolean {
  return node.type === "KeyValueProperty" && HELP.has(String((node.key as Node).value));
}

/** Literals of more than a few words that end like a sentence. */
function sentencesOf(source: string): readonly string[] {
  const found: string[] = [];
  walk(source, (node) => {
    if (isHelp(node)) return "skip";
    const text = textOf(node);
    if (text !== null && wordsIn(text) > WORDS_OF_A_SENTENCE) found.push(text);
    return undefined;
  });
  return found.filter((text) => /[.!?]$/.test(text.trim()) || /^[A-Z…“"]/.test(text.trim()));
}

function wordsIn(text: string): number {
  return text.split(/\s+/).filter((word) => /\p{L}/u.test(word)).length;
}

function textOf(node: Node): string | null {
  if (node.type === "StringLiteral") return node.value as string;
  if (node.type !== "TemplateLiteral" || !Array.isArray(node.expressions)) return null;
  return (node.quasis as readonly { cooked?: string; raw: string }[]).map(({ cooked, raw }) => cooked ?? raw).join("…");
}

type Visit = (node: Node) => "skip" | undefined;

function walk(source: string, visit: Visit): void {
  walkNode(parseSync(source, { syntax: "typescript", target: "es2022" }), visit);
}

function walkNode(node: unknown, visit: Visit): void {
  if (Array.isArray(node)) {
    for (const one of node) walkNode(one, visit);
    return;
  }
  if (typeof node !== "object" || node === null) return;
  if ((node as Node).type === "ImportDeclaration") return;
  if (visit(node as Node) === "skip") return;
  for (const value of Object.values(node)) walkNode(value, visit);
}
