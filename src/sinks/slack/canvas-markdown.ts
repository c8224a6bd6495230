import { limits } from "./limits.ts";

/** Cells of a table, heading included. [DOC] docs.slack.dev/surfaces/canvases: 300 */
const CELLS = limits.canvasTableCells;

/**
 * Markdown as a canvas takes it: headings of three levels, tables of a bounded size (a longer one goes on below, with its heading again), no HTML
 * comments, and a bounded length, cut at the end of a line.
 */
export function canvasMarkdown(markdown: string): string {
  const lines = withoutComments(markdown).split("\n");
  const written: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const end = endOfTable(lines, at);
    if (end === null) written.push(headingOf(lines[at++] ?? ""));
    else {
      written.push(...tablesOf(lines.slice(at, end)));
      at = end;
    }
  }
  return cutAtLine(written.join("\n"));
}

function headingOf(line: string): string {
  return line.replace(/^#{4,6} /, "### ");
}

/** One past its last line, where a table begins here. */
function endOfTable(lines: readonly string[], at: number): number | null {
  if (!isRow(lines[at]) || !/^\|[\s:|-]+\|$/.test(lines[at + 1]?.trim() ?? "")) return null;
  let end = at + 2;
  while (isRow(lines[end])) end++;
  return end;
}

function isRow(line: string | undefined): boolean {
  return line?.trimStart().startsWith("|") === true;
}

function tablesOf([head = "", rule = "", ...rows]: readonly string[]): string[] {
  const columns = Math.max(1, rule.split("|").length - 2);
  const most = Math.max(1, Math.floor(CELLS / columns) - 1);
  const tables: string[] = [];
  for (let at = 0; at === 0 || at < rows.length; at += most)
    tables.push(...(at > 0 ? [""] : []), head, rule, ...rows.slice(at, at + most));
  return tables;
}

const CUT = "\n\n_Cut here: the whole document is the file in this channel._\n";

function cutAtLine(text: string): string {
  if (text.length <= limits.canvasMarkdown) return text;
  const kept = text.slice(0, limits.canvasMarkdown - CUT.length);
  return `${kept.slice(0, kept.lastIndexOf("\n"))}${CUT}`;
}

/** Without `<!-- … -->` and the line break after it. One that isn't closed stays. */
function withoutComments(markdown: string): string {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    const from = markdown.indexOf("<!--", at);
    const end = from < 0 ? -1 : markdown.indexOf("-->", from + 4);
    if (end < 0) return kept.join("") + markdown.slice(at);
    kept.push(markdown.slice(at, from));
    at = end + 3 + (markdown[end + 3] === "\n" ? 1 : 0);
  }
}
