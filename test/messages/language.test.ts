import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parseSync } from "@swc/core";
import { LineCounter, parseDocument, visit } from "yaml";
import { projectRoot } from "../../src/lib/root.ts";
import { RETIRED_IN_SENTENCES } from "../support/retired-words.ts";

/** Where the sentences are that people read in Slack, at the command line and on a phone. */
const PLACES = [
  "templates/messages",
  "commands",
  "src/incident",
  "src/engine",
  "src/report",
  "src/paging",
  "src/sinks",
  "src/mfa",
  "src/evidence",
  "src/actions",
  "src/alerts",
  "src/catalog",
  "src/cli",
  "src/comms",
  "src/control",
  "src/doctor",
  "src/slack",
  "src/timeline",
  "practice",
  "verifier",
];

/** Prose that isn't in a source: templates of updates and post-mortems, and the pages of the practice workspace. */
const TEXTS = ["templates/comms", "templates/postmortem", "practice/slack/page", "practice/pagerduty", "practice/mail"];

/** Fields of systems and runbooks that aren't prose: commands, queries, names, places, and expressions of other people's monitoring. */
const NO_PROSE = new Set(["planned", "unplanned", "starts", "sql", "name", "when", "where", "schedule"]);

/** Of one sentence or clause; what is put in counts as one word. */
const WORDS_MAX = 18;

/** Said by others and only repeated by stand-ins, word by word. */
const OTHERS_WORDS = [/^The DBSubnetGroup shouldn't be specified/, /^cannot restore index|^Either close or delete/];

const PROSE_IN_YAML = proseInYaml();

describe("the words of an incident channel", () => {
  test.each(PLACES)("%s says none that are retired", (place) => {
    const found = sentencesUnder(place).flatMap(({ where, says }) =>
      RETIRED_IN_SENTENCES.filter(([word]) => word.test(says)).map(([, instead]) => `${where}: ${says}  (${instead})`),
    );
    expect(found).toEqual([]);
  });

  test.each(PLACES)("%s has no sentence of more than 18 words", (place) => {
    const found = sentencesUnder(place).flatMap(({ where, says }) =>
      partsOf(says)
        .filter((part) => wordsIn(part) > WORDS_MAX)
        .map((part) => `${where}: ${part}  (${wordsIn(part)} words)`),
    );
    expect(found).toEqual([]);
  });

  test.each(TEXTS)("%s shows none that are retired", (place) => {
    const found = textsUnder(place).flatMap(({ where, says }) =>
      RETIRED_IN_SENTENCES.filter(([word]) => word.test(says)).map(([, instead]) => `${where}: ${says}  (${instead})`),
    );
    expect(found).toEqual([]);
  });

  test("systems and runbooks say none that are retired", () => {
    const retired = [...RETIRED_IN_SENTENCES, [/\bcannot\b/i, "can't"] as const];
    const found = PROSE_IN_YAML.flatMap(({ where, says }) =>
      retired.filter(([word]) => word.test(says)).map(([, instead]) => `${where}: ${says}  (${instead})`),
    );
    expect(found).toEqual([]);
  });

  test("systems and runbooks have no sentence of more than 18 words", () => {
    const found = PROSE_IN_YAML.flatMap(({ where, says }) =>
      partsOf(says)
        .filter((part) => wordsIn(part) > WORDS_MAX)
        .map((part) => `${where}: ${part}  (${wordsIn(part)} words)`),
    );
    expect(found).toEqual([]);
  });

  test("titles in systems and runbooks don't say where on a card they stand", () => {
    const found = PROSE_IN_YAML.filter(({ field, says }) => field === "title" && /\b(above|below)\b/.test(says));
    expect(found).toEqual([]);
  });

  test("commands in runbooks and system files stand in backticks, so that Slack shows them as what is typed", () => {
    const bare = /(?:^|[^`])\/dr [a-z]/;
    const found = yamlUnder("templates/systems").flatMap(({ where, lines }) =>
      lines.flatMap((line, n) =>
        bare.test(line) && !line.trim().startsWith("#") ? [`${where}:${n + 1} ${line}`] : [],
      ),
    );
    expect(found).toEqual([]);
  });

  test("a long sentence would be found, and what isn't one wouldn't", () => {
    const long = `A ${"very ".repeat(WORDS_MAX)}long sentence`;
    expect(partsOf(`Short. ${long}; short`).map(wordsIn)).toEqual([1, WORDS_MAX + 3, 1]);
    expect(partsOf(`select ${"a, ".repeat(30)} from b`)).toEqual([]);
    expect(partsOf(`/dr calendar ${"[--name <value>] ".repeat(20)}`)).toEqual([]);
  });

  test("the prose of systems and runbooks is found", () => {
    const fields = new Set(PROSE_IN_YAML.map(({ field }) => field));
    expect([...fields]).toEqual(
      expect.arrayContaining(["title", "summary", "changes", "instructions", "beforehand", "afterwards", "givesUp"]),
    );
    expect(PROSE_IN_YAML.length).toBeGreaterThan(2000);
  });

  test("a retired word would be found", () => {
    const says = [
      "const a = `x $",
      '{y ? "Nobody may" : ""} can not`; /* nobody */ const b = "ok-nobody-id"; // whoever\n',
    ];
    expect(sentencesIn(says.join(""))).toEqual(["x … can not", "Nobody may"]);
  });
});

/** Sentences and clauses: a colon or a semicolon ends one, too. Not SQL, grammars of commands and tables of usage. */
function partsOf(says: string): readonly string[] {
  if (
    /^\s*(--|with|select|insert|update|delete|create|and|or|where|from)\b[^.]*\b(select|set|from|into|table|is|as|in|join)\b/.test(
      says,
    )
  )
    return [];
  if (/\b(select|from|where) [a-z_.]+\b.*[=(]/.test(says)) return [];
  return says
    .replace(/`[^`]*`/g, "…")
    .split(/(?<=[.!?:;])\s+|\n/)
    .filter((part) => !/^\s*\/dr |^ {2}|\]\s*\[/.test(part) && !OTHERS_WORDS.some((one) => one.test(part)));
}

function wordsIn(text: string): number {
  return text.split(/\s+/).filter((word) => /[\p{L}\d…]/u.test(word)).length;
}

function yamlUnder(place: string): { where: string; lines: readonly string[] }[] {
  const root = join(projectRoot(), place);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yml"))
    .map((file) => ({ where: file, lines: readFileSync(join(root, file), "utf8").split("\n") }));
}

/** Every text of the systems and runbooks that are shipped, as it is after YAML: folded, and with what is put in as "…". */
function proseInYaml(): readonly { readonly where: string; readonly field: string; readonly says: string }[] {
  const root = join(projectRoot(), "templates/systems");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) =>
    /^[\w-]+\/(system|runbooks\/[\w-]+)\.yml$/.test(file),
  );
  return files.flatMap((file) => {
    const lines = new LineCounter();
    const found: { where: string; field: string; says: string }[] = [];
    visit(parseDocument(readFileSync(join(root, file), "utf8"), { lineCounter: lines, merge: true }), {
      Scalar(key, { value, range }, path) {
        const pair = path.findLast((node) => "key" in node);
        const field = String(pair && "key" in pair ? pair.key : "");
        if (key === "key" || typeof value !== "string" || !/\S \S/.test(value) || NO_PROSE.has(field)) return;
        const where = `${file}:${lines.linePos(range?.[0] ?? 0).line} ${field}`;
        found.push({ where, field, says: value.replace(/\$\{[^}]*\}/g, "…") });
      },
    });
    return found;
  });
}

function sentencesUnder(place: string): { where: string; says: string }[] {
  const root = projectRoot();
  const files = readdirSync(join(root, place), { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.m?[jt]s$/.test(file),
  );
  return files.flatMap((file) => {
    const path = join(root, place, file);
    return sentencesIn(readFileSync(path, "utf8")).map((says) => ({ where: relative(root, path), says }));
  });
}

/** Lines of templates and pages, and texts of their scripts; comments are not shown. */
function textsUnder(place: string): { where: string; says: string }[] {
  const root = projectRoot();
  const files = readdirSync(join(root, place), { recursive: true, encoding: "utf8" });
  return files.flatMap((file) => {
    const where = relative(root, join(root, place, file));
    if (/README\.md$/.test(file)) return [];
    if (file.endsWith(".js"))
      return sentencesIn(readFileSync(join(root, where), "utf8")).map((says) => ({ where, says }));
    if (!/\.(md|html|liquid)$/.test(file)) return [];
    const shown = readFileSync(join(root, where), "utf8").replace(
      /<!--[\s\S]*?-->|\{%-?\s*comment[\s\S]*?endcomment\s*-?%\}/g,
      "",
    );
    return shown.split("\n").map((says) => ({ where, says }));
  });
}

/** Texts with a space in them: ids and keys have none. What is put in stands as "…". */
function sentencesIn(source: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const one of node) visit(one);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    const { type } = node as { type?: string };
    if (type === "ImportDeclaration") return;
    if (type === "StringLiteral") found.push((node as { value: string }).value);
    if (type === "TemplateLiteral") {
      const { quasis } = node as { quasis: readonly { cooked?: string; raw: string }[] };
      found.push(quasis.map(({ cooked, raw }) => cooked ?? raw).join("…"));
    }
    for (const value of Object.values(node)) visit(value);
  };
  visit(parseSync(source, { syntax: "typescript", target: "es2022" }));
  return found.filter((text) => /\S \S/.test(text));
}
