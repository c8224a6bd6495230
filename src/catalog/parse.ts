import { type Document, isScalar, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";
import { type Fault, type Finding, isClean } from "./fault.ts";
import { findingAt, type Source, toFinding } from "./positions.ts";
import { checkShape } from "./shape.ts";

export interface Parsed<T> {
  readonly source: Source;
  /** Null when there is an error among the findings. */
  readonly value: T | null;
  readonly findings: readonly Finding[];
  /** The file as YAML has it, and what is wrong with its shape; undefined when it is not YAML. */
  readonly raw?: unknown;
  readonly faults?: readonly Fault[];
}

/** A catalogue file is written by hand; one this large is not. */
const charactersMax = 500_000;
const aliasesMax = 100;
const reservedKeys = new Set(["__proto__", "constructor", "prototype"]);
/** No one nests this deeply, and parsers fall over it. */
const depthMax = 100;
/** Characters no one sees: controls but for tab and line feed, and Unicode's format characters (bidi, zero width). */
const unseen = /[^\P{Cc}\t\n\r]|\p{Cf}/u;

/**
 * Reads one YAML file against a schema and finds everything that is wrong at once. Refused besides what the schema
 * refuses: duplicate keys, aliases that multiply, tags, several documents, keys that reach for prototypes, keys that are
 * not text, invisible characters, and numbers that would silently become others.
 */
export function parseYaml<S extends z.ZodType>(file: string, text: string, schema: S): Parsed<z.output<S>> {
  const { source, faults: syntax, readable } = readSource(file, text);
  if (!readable) return { source, value: null, findings: syntax };
  const raw = toValue(source);
  if ("finding" in raw) return { source, value: null, findings: [...syntax, raw.finding] };
  const shape = checkShape(schema, raw.value);
  const findings = [...syntax, ...shape.faults.map((fault) => toFinding(source, "shape", fault))];
  return { source, value: isClean(findings) ? shape.value : null, findings, raw: raw.value, faults: shape.faults };
}

function readSource(file: string, text: string): { source: Source; faults: Finding[]; readable: boolean } {
  const lines = new LineCounter();
  const refused = tooMuch(text);
  // The core schema of YAML 1.2: `no` is a text, and neither dates nor `<<` mean anything.
  const options = { lineCounter: lines, version: "1.2", schema: "core", prettyErrors: false } as const;
  const document: Document = parseDocument(refused === null ? text : "", options);
  const source = { file, text, lines, document };
  if (refused !== null) {
    return {
      source,
      faults: [findingAt(source, "syntax", { level: "error", what: refused }, [0, 1])],
      readable: false,
    };
  }
  const said = withoutEchoes([...document.errors, ...document.warnings]).map((error) => {
    const finding = findingAt(source, "syntax", { level: "error", ...sayYaml(error.code, error.message) }, error.pos);
    const braces = error.code === "UNEXPECTED_TOKEN" && finding.source.includes(`\${`);
    return braces ? { ...finding, next: `Inside { } or [ ], quote a value with \${…}` } : finding;
  });
  const readable = document.errors.every((error) => error.code === "DUPLICATE_KEY");
  return { source, faults: readable ? [...said, ...refusals(source)] : said, readable };
}

/** A parser that has lost its way complains about every word from there on. */
function withoutEchoes<E extends { readonly code: string }>(errors: readonly E[]): E[] {
  const first = errors.findIndex(({ code }) => code === "UNEXPECTED_TOKEN");
  return errors.filter(({ code }, index) => code !== "UNEXPECTED_TOKEN" || index === first);
}

function tooMuch(text: string): string | null {
  if (text.length > charactersMax) {
    return `It has ${text.length} characters; a file of the catalogue has ${charactersMax} at most`;
  }
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    else if ((character === "]" || character === "}") && depth > 0) depth--;
  }
  const inOneLine = /^ *([-?] +){100}|^ {400}/m.test(text);
  return deepest > depthMax || inOneLine ? `It's nested more than ${depthMax} levels deep` : null;
}

function sayYaml(code: string, message: string): Omit<Fault, "path" | "level"> {
  if (code === "DUPLICATE_KEY") return { what: "This key is here twice", next: "Keep one of them" };
  if (code === "TAG_RESOLVE_FAILED") return { what: "Tags (!…) are not read here", next: "Write the plain value" };
  if (code === "MULTIPLE_DOCS")
    return { what: "There is a second document (---) in this file", next: "Make it a file" };
  return { what: message.split("\n")[0] ?? message };
}

/** What YAML itself allows and Lifeboat does not. */
function refusals(source: Source): Finding[] {
  const found: Finding[] = [];
  const say = (node: { range?: readonly number[] | null | undefined }, what: string, next?: string) => {
    const [start = 0, end = start + 1] = node.range ?? [];
    found.push(
      findingAt(source, "syntax", { level: "error", what, ...(next === undefined ? {} : { next }) }, [start, end]),
    );
  };
  visit(source.document, {
    Pair(_, pair) {
      const key = pair.key;
      if (!isScalar(key) || typeof key.value !== "string") {
        say((key ?? {}) as { range?: readonly number[] }, "A key must be a text", "Put it in quotes");
      } else if (reservedKeys.has(key.value)) say(key, `"${key.value}" cannot be used as a key`);
    },
    Scalar(key, node) {
      if (typeof node.value === "string" && unseen.test(node.value)) {
        say(node, "There is an invisible character in this text", "Type it again by hand");
      }
      if (key !== "key" && typeof node.value === "number" && !keepsItsDigits(node.source ?? "", node.value)) {
        say(node, `As a number this would be read as ${node.value}`, `Put it in quotes: "${node.source}"`);
      }
    },
  });
  return found;
}

/** An account number with leading zeros or too many digits, `1.10`, `0x1F`, `.inf`: each would become something else. */
function keepsItsDigits(written: string, value: number): boolean {
  return Number.isFinite(value) && String(value) === written;
}

function toValue(source: Source): { value: unknown } | { finding: Finding } {
  try {
    return { value: source.document.toJS({ maxAliasCount: aliasesMax }) };
  } catch {
    const what = "Its aliases (*) multiply into too much to read";
    return { finding: findingAt(source, "syntax", { level: "error", what, next: "Write it out" }, firstAlias(source)) };
  }
}

function firstAlias(source: Source): readonly [number, number] {
  let at: readonly [number, number] = [0, 1];
  visit(source.document, {
    Alias(_, { range }) {
      if (range) at = [range[0], range[1]];
      return visit.BREAK;
    },
  });
  return at;
}
