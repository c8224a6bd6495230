import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from "yaml";
import type { Fault, Finding, Path } from "./fault.ts";

/** A file as it was read, with what is needed to say where something stands. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  readonly document: Document;
}

type Span = readonly [start: number, end: number];

export function toFinding(source: Source, rule: string, { path, at, ...fault }: Fault): Finding {
  return findingAt(source, rule, fault, spanOf(source.document, path, at === "key"));
}

export function findingAt(
  source: Source,
  rule: string,
  fault: Omit<Fault, "path" | "at">,
  [start, end]: Span,
): Finding {
  const { line, col } = source.lines.linePos(Math.min(start, source.text.length));
  const text = (source.text.split("\n")[Math.max(line, 1) - 1] ?? "").replace(/\r$/, "");
  const column = Math.max(col, 1);
  const length = Math.max(1, Math.min(end - start, text.length - column + 1));
  const shown = fault.hidden ? text.slice(0, column - 1) + "•".repeat(length) + text.slice(column - 1 + length) : text;
  return { ...fault, rule, file: source.file, line: Math.max(line, 1), column, source: shown, length };
}

/** The characters that stand at a path; where it does not exist, the nearest thing above it that does. */
function spanOf(document: Document, path: Path, wantKey: boolean): Span {
  let node: unknown = document.contents;
  let span = startOf(node) ?? [0, 1];
  for (const [depth, step] of path.entries()) {
    const last = depth === path.length - 1;
    const inside = isAlias(node) ? node.resolve(document) : node;
    if (isMap(inside)) {
      const pair = inside.items.find((item) => keyOf(item) === String(step));
      if (pair === undefined) break;
      const key = rangeOf(pair.key);
      const value = isScalar(pair.value) && pair.value.value !== null ? rangeOf(pair.value) : null;
      span = (last && wantKey ? key : (value ?? key)) ?? span;
      node = pair.value;
    } else if (isSeq(inside)) {
      const item = inside.items[Number(step)];
      if (item === undefined) break;
      span = startOf(item) ?? span;
      node = item;
    } else break;
  }
  return span;
}

/** A map or list is shown by its first key or value: a whole block underlined says nothing. */
function startOf(node: unknown): Span | null {
  if (isMap(node)) return rangeOf(node.items[0]?.key) ?? rangeOf(node);
  return rangeOf(node);
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : "";
}

function rangeOf(node: unknown): Span | null {
  const range = (node as Node | null | undefined)?.range;
  return range ? [range[0], range[1]] : null;
}
