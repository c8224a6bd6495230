import { describe, expect, test } from "@jest/globals";
import { canvasMarkdown } from "../../../src/sinks/slack/canvas-markdown.ts";
import { limits } from "../../../src/sinks/slack/limits.ts";

describe("Markdown for a canvas", () => {
  const table = (rows: number) =>
    [
      "| when | who | what |",
      "|---|---|---|",
      ...Array.from({ length: rows }, (_, n) => `| ${n} | ana | fenced |`),
    ].join("\n");

  test.each([1, 99, 100, 250])("a table of %i rows stands in parts Slack takes, each with its heading", (rows) => {
    const written = canvasMarkdown(`# Timeline\n\n${table(rows)}\n\nThe end.\n`);
    const parts = written.split(/\n\n/).filter((part) => part.startsWith("|"));
    for (const part of parts) {
      const lines = part.split("\n");
      expect(lines.slice(0, 2)).toEqual(["| when | who | what |", "|---|---|---|"]);
      expect((lines.length - 1) * 3).toBeLessThanOrEqual(limits.canvasTableCells);
    }
    const kept = parts.flatMap((part) => part.split("\n").slice(2));
    expect(kept).toEqual(table(rows).split("\n").slice(2));
    expect(written.endsWith("\n\nThe end.\n")).toBe(true);
  });

  test("headings are of three levels, and comments are left out", () => {
    expect(canvasMarkdown("# A\n<!-- of the template -->\n#### B\n\ntext | with a bar\n")).toBe(
      "# A\n### B\n\ntext | with a bar\n",
    );
  });

  test("what is too long is cut at a line, and says where all of it is", () => {
    const written = canvasMarkdown(`${"a line of the timeline\n".repeat(60_000)}`);
    expect(written.length).toBeLessThanOrEqual(limits.canvasMarkdown);
    expect(written).toMatch(
      /a line of the timeline\n\n_Cut here: the whole document is the file in this channel\._\n$/,
    );
  });
});
