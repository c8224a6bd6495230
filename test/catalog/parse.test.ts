import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { z } from "zod";
import { parseYaml } from "../../src/catalog/parse.ts";
import { reportFindings } from "../../src/catalog/report.ts";

const anything = z.unknown();
const told = (text: string) => parseYaml("/f.yml", text, anything).findings.map(({ what }) => what);

describe("what YAML allows and is refused here", () => {
  test("nesting without end", () => {
    const deep = ["It's nested more than 100 levels deep"];
    const steps = Array.from({ length: 500 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join("");
    for (const text of [
      "[".repeat(100_000),
      '{"a":'.repeat(50_000),
      `${"- ".repeat(20_000)}x`,
      `${"? ".repeat(200)}x`,
      steps,
    ]) {
      expect(told(text)).toEqual(deep);
    }
  });

  test("a file no one wrote by hand", () => {
    expect(told(`a: "${"x".repeat(600_000)}"`)).toEqual([
      "It has 600005 characters; a file of the catalogue has 500000 at most",
    ]);
  });

  test("a merge key is a key like any other", () => {
    expect(parseYaml("/f.yml", "a: &a { b: 1 }\nc: { <<: *a }\n", anything).value).toEqual({
      a: { b: 1 },
      c: { "<<": { b: 1 } },
    });
  });

  test("words stay words: no, on, a date, a version", () => {
    expect(parseYaml("/f.yml", "a: no\nb: on\nc: 2026-11-21\nd: 1.2.3\n", anything).value).toEqual({
      a: "no",
      b: "on",
      c: "2026-11-21",
      d: "1.2.3",
    });
  });

  test.each(["\u200b", "\u202e", "\ufeff", "\u0007", "\u00ad"])("the invisible character %j", (character) => {
    expect(told(JSON.stringify({ host: `db${character}1` }))).toEqual(["There is an invisible character in this text"]);
  });

  test("nothing a file says reaches a prototype", () => {
    expect(told('"__proto__": { polluted: 1 }')).toEqual(['"__proto__" cannot be used as a key']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("the caret", () => {
  test("stands under what is meant", () => {
    const shape = z.strictObject({ a: z.strictObject({ ü: z.string(), b: z.string() }) });
    const { findings } = parseYaml("/f.yml", 'a: { ü: "größer", b: 7 }\n', shape);
    expect(reportFindings(findings, "/")).toBe(
      [
        'f.yml:1:22: error: "b" cannot be the number 7 [shape]',
        "  |",
        '1 | a: { ü: "größer", b: 7 }',
        "  |                      ^",
        "  = A text is expected",
        "",
        "1 error",
        "",
      ].join("\n"),
    );
  });

  test("is found through an alias", () => {
    const shape = z.strictObject({ a: z.unknown(), c: z.strictObject({ b: z.string() }) });
    const { findings } = parseYaml("/f.yml", "a: &x\n  b: 7\nc: *x\n", shape);
    expect(findings).toMatchObject([{ line: 2, column: 6 }]);
  });
});

test("whatever is in a file, reading it never throws, and says where", () => {
  const piece = fc.constantFrom(
    "a",
    ": ",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "&x ",
    "*x",
    '"',
    "'",
    "|",
    "#",
    "!t ",
    "?",
    "\t",
    "%",
    "---\n",
    "\0",
    "💥",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 40 }).map((all) => all.join("")),
      ),
      (text) => {
        const shape = z.strictObject({ a: z.string(), b: z.array(z.number()) });
        const { value, findings } = parseYaml("/f.yml", text, shape);
        expect(value === null).toBe(findings.length > 0);
        for (const { line, column } of findings) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(text.split("\n").length + 1);
        }
        reportFindings(findings, "/");
      },
    ),
    { numRuns: 500 },
  );
});
