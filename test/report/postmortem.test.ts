import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { account } from "../../src/incident/accounting.ts";
import { html, markdown } from "../../src/report/markup.ts";
import { draftPostmortem, type PostmortemRequest } from "../../src/report/postmortem.ts";
import { transcript } from "../../src/report/transcript.ts";
import * as nights from "../messages/nights.ts";
import { orders } from "../messages/orders.ts";
import { keepPages } from "../messages/page.ts";
import { Story } from "../messages/story.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const names = (who: string) => orders.people.find(({ id }) => id === who)?.name ?? who;

function requestOf(story: Story): PostmortemRequest {
  const { events, plans, state } = story;
  return { incident: state.id, events, plans, system: orders, names, practice: false };
}

describe("the post-mortem that the timeline writes", () => {
  test("of a night that ended well, as Markdown and as HTML", () => {
    const draft = draftPostmortem(requestOf(nights.resolved()));
    expect(draft.title).toBe("Orders cannot be placed");
    expectPage("resolved.md.out", draft.markdown);
    expectPage("resolved.html.out", draft.html);
  });

  test("of a run that went on without a fence says which server, and who accepted it", () => {
    const draft = draftPostmortem(requestOf(nights.wentOnUnfenced()));
    const says = "orders\\-a. The run went on without its fence; accepted by Vera Prins.";
    expect(draft.markdown.replaceAll("\\", "")).toContain(`⚠ **NOT FENCED:** ${says.replaceAll("\\", "")}`);
    expect(draft.html).toMatch(/<strong>⚠ NOT FENCED:<\/strong> orders-a\. The run went on/);
  });

  test("of a run that was aborted", () => {
    const story = nights.aborted().ask("bo", { type: "resolve", summary: null });
    expectPage("aborted.md.out", draftPostmortem(requestOf(story)).markdown);
  });

  test("of a drill in which nothing was run for real", () => {
    expectPage("dry-run.md.out", draftPostmortem(requestOf(nights.drillDryRun())).markdown);
  });

  test("of a run with a stage that took longer than it was given", () => {
    const { markdown: text, html: page } = draftPostmortem(requestOf(nights.late()));
    expect(text).toContain("| Decide | 1 min 40 s | 5 min | in time |\n| Move \\& look | 2 min 1 s so far");
    expect(page).toContain('<th scope="row">Move &#38; look</th>');
    const { events, plans } = nights.late();
    expect(transcript(events, plans, names).at(-1)).toContain('stage "Move & look" is late: it was given 2 min');
  });

  test("of an incident without a run", () => {
    expectPage("no-run.md.out", draftPostmortem(requestOf(nights.declared())).markdown);
  });

  test("is the same, byte for byte, from the same events", () => {
    expect(draftPostmortem(requestOf(nights.resolved()))).toEqual(draftPostmortem(requestOf(nights.resolved())));
  });
});

describe("the transcript", () => {
  test("tells a night line by line", () => {
    const { events, plans } = nights.resolved();
    expectPage("transcript.out", `${transcript(events, plans, names).join("\n")}\n`);
  });
});

describe("where the minutes went", () => {
  test("adds up to the whole, with every attempt counted as work of machines", () => {
    const story = nights.verified();
    const run = story.state.runs.get("run-4hx8w2pd");
    if (!run) throw new Error("There is no run.");
    const exact = account(story.state, run, story.now);
    expect(exact?.phases.map(({ name, seconds }) => [name, seconds])).toEqual([
      ["detecting", 180],
      ["deciding", 90],
      // 300 s until it was escalated, 20 s until approved, 45 s until the retry, 90 s for a manual step
      ["people", 455],
      // preflight 4, from the approval to the start 1, fence 4, promote 12 and again 9, verify 2
      ["machines", 32],
    ]);
    expect(exact?.totalSeconds).toBe(757);
  });

  test("has no negative part, whenever somebody says the impact began", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400 }), fc.integer({ min: 0, max: 3_600 }), (before, wait) => {
        const story = new Story(orders);
        const impactStartedAt = new Date(story.now.getTime() - before * 1000);
        story
          .ask("ana", {
            ...{ type: "declare", title: "x", system: "orders", severity: "P1", kind: "real" },
            ...{ impactStartedAt, announceIn: null },
          } as const)
          .after(wait);
        const run = nights.verified().state.runs.get("run-4hx8w2pd");
        if (!run) throw new Error("There is no run.");
        const counted = account(story.state, run, story.now);
        const sum = counted?.phases.reduce((total, { seconds }) => total + seconds, 0) ?? 0;
        for (const { seconds } of counted?.phases ?? []) expect(seconds).toBeGreaterThanOrEqual(0);
        expect(sum).toBeCloseTo(counted?.totalSeconds ?? -1, 6);
      }),
      { numRuns: 50 },
    );
  });
});

describe("other people's words in a document", () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      "<script>alert(1)</script>",
      "{{ constructor }} {% raw %}",
      "](javascript:alert(1))",
      "![x](https://evil.example/p.png)",
      "a | b | c",
      "# heading",
      "1. item",
      "- item",
      "line\n\n## break",
      '" onload="x',
      "&lt;script&gt;",
      "```",
      "\u202eabc",
    ),
    fc.string({ unit: "binary", maxLength: 30 }),
  );

  test("can't open a tag, an attribute or an entity of their own in HTML", () => {
    fc.assert(
      fc.property(hostile, (words) => {
        expect(html(words)).not.toMatch(/[<>"'`]|&(?!#\d+;)/);
      }),
    );
  });

  test("can't leave their cell, start a block, link or embed in Markdown", () => {
    fc.assert(
      fc.property(hostile, (words) => {
        const said = markdown(words);
        expect(said).not.toMatch(/\n/);
        expect(said.replace(/\\./g, "")).not.toMatch(/[|<>[\]`*_{}!#]/);
        expect(said).not.toMatch(/^(\d+[.)]|[-+=]+)\s/);
        expect(said).not.toMatch(/[^\\]:\/\//);
      }),
    );
  });

  test("reach a whole document without becoming part of it", () => {
    fc.assert(
      fc.property(hostile, hostile, (title, note) => {
        const story = new Story(orders)
          .ask("ana", {
            ...{ type: "declare", title: `t ${title}`, system: "orders", severity: "P1", kind: "real" },
            ...{ impactStartedAt: null, announceIn: null },
          } as const)
          .ask("bo", { type: "note", text: `n ${note}`, happenedAt: null, link: null });
        const { markdown: text, html: page } = draftPostmortem(requestOf(story));
        expect(page).not.toMatch(/<script|onload="|javascript:alert\(1\)\)"/);
        const headings = text.split("\n").filter((line) => line.startsWith("#"));
        expect(headings.length).toBe(10);
        const rows = text.split("\n").filter((line) => line.startsWith("| 2026-"));
        for (const row of rows) expect(row.replace(/\\\|/g, "").split("|")).toHaveLength(6);
      }),
      { numRuns: 60 },
    );
  });
});
