import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { account } from "../../src/incident/accounting.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { html, markdown } from "../../src/report/markup.ts";
import { draftPostmortem, type PostmortemRequest } from "../../src/report/postmortem.ts";
import { transcript } from "../../src/report/transcript.ts";
import { faultsIn } from "../support/html-syntax.ts";
import * as scenarios from "../support/incident-states.ts";
import { orders } from "../support/orders-system.ts";
import { keepPages } from "../support/printed-page.ts";
import { RecordedIncident } from "../support/recorded-incident.ts";
import * as stories from "../support/report-stories.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const names = (who: string) => orders.people.find(({ id }) => id === who)?.name ?? who;

function requestOf(story: RecordedIncident, more: Partial<PostmortemRequest> = {}): PostmortemRequest {
  const { events, plans, state } = story;
  return { incident: state.id, events, plans, system: orders, names, practice: false, pictures: true, ...more };
}

describe("the post-mortem that the timeline writes", () => {
  const pages: Record<string, () => RecordedIncident> = {
    resolved: scenarios.resolved,
    aborted: () => scenarios.aborted().ask("bo", { type: "resolve", summary: null }),
    "dry-run": scenarios.drillDryRun,
    "no-run": scenarios.declared,
    planned: stories.planned,
    "unplanned-with-loss": stories.unplannedWithLoss,
    "denied-and-asked-again": stories.deniedAndAskedAgain,
    drill: stories.drill,
  };
  test.each(Object.entries(pages))("%s", (name, tell) => {
    const draft = draftPostmortem(requestOf(tell(), { system: stories.berlin }));
    expectPage(`${name}.md.out`, draft.markdown);
    expect(faultsIn(draft.html)).toEqual([]);
  });

  test("as one page, with its picture inside", () => {
    const { html: page, pictures } = draftPostmortem(
      requestOf(stories.unplannedWithLoss(), { system: stories.berlin }),
    );
    expectPage("unplanned-with-loss.html.out", page);
    expect(page).not.toMatch(/<script|<img|<link|url\(/);
    expect(page).toContain(pictures[0]?.content.trim());
  });

  test("the example of the docs is one", () => {
    const { markdown: text, pictures } = draftPostmortem(
      requestOf(stories.unplannedWithLoss(), { system: stories.berlin }),
    );
    const example = (name: string, content: string) => {
      const file = join(projectRoot(), "docs", "examples", name);
      if (process.env.PAGES === "write") writeFileSync(file, content);
      expect(content).toBe(readFileSync(file, "utf8"));
    };
    example("post-mortem.md", text);
    for (const { name, content } of pictures) example(name, content);
  });

  test("a picture stands beside the Markdown under the name the Markdown calls it by", () => {
    const { markdown: text, pictures } = draftPostmortem(requestOf(stories.unplannedWithLoss()));
    expect(pictures.map(({ name }) => name)).toEqual(["postmortem-inc-7k2m9xqz-minutes.svg"]);
    expect(text).toMatch(/!\[Where the minutes went, [^\]]+\]\(postmortem-inc-7k2m9xqz-minutes\.svg\)/);
    const alone = draftPostmortem(requestOf(stories.unplannedWithLoss(), { pictures: false }));
    expect([alone.pictures, alone.markdown.includes("![")]).toEqual([[], false]);
    expect(alone.html).toContain("<svg");
  });

  test("of a run that went on without a fence says which server, and who accepted it", () => {
    const draft = draftPostmortem(requestOf(scenarios.wentOnUnfenced()));
    const says = "orders\\-a. The run went on without its fence; accepted by Vera Prins.";
    expect(draft.markdown.replaceAll("\\", "")).toContain(`⚠ **NOT FENCED:** ${says.replaceAll("\\", "")}`);
    expect(draft.html).toMatch(
      /<strong>NOT FENCED:<\/strong> orders-a\. The run went on|<strong>NOT FENCED:<\/strong>/,
    );
  });

  test("of a run with a stage that took longer than it was given", () => {
    const { markdown: text, html: page } = draftPostmortem(requestOf(scenarios.late()));
    expect(text).toContain("| Decide | 1 min 40 s | 5 min | in time |\n| Move \\& look | 2 min 1 s so far");
    expect(page).toContain(">Move &#38; look</td>");
    const { events, plans } = scenarios.late();
    expect(transcript(events, plans, names).at(-1)).toContain('stage "Move & look" is late: it was given 2 min');
  });

  test("has the action items people added, done ones too", () => {
    const more = { component: null, link: null };
    const { markdown: text } = draftPostmortem(
      requestOf(
        scenarios
          .resolved()
          .engine(
            {
              type: "action.added",
              data: { ...more, action: "A1", text: "Test the | hotline", owner: "bo", due: "2026-12-01" },
            },
            null,
          )
          .engine(
            { type: "action.added", data: { ...more, action: "A2", text: "Write it down", owner: null, due: null } },
            null,
          )
          .engine({ type: "action.done", data: { action: "A2", note: "in the wiki" } }, null),
      ),
    );
    expect(text).toContain("| A1: Test the \\| hotline | Bo Ek | 2026-12-01 | open |");
    expect(text).toContain("| A2: Write it down | no one yet | not set | done 2026-11-21: in the wiki |");
  });

  test("names no one by an id of Slack", () => {
    const story = scenarios.declared().ask("U0STRANGER", { type: "note", text: "hello", happenedAt: null, link: null });
    expect(draftPostmortem(requestOf(story)).markdown).not.toContain("U0STRANGER");
  });

  test("is the same, byte for byte, from the same events", () => {
    expect(draftPostmortem(requestOf(scenarios.resolved()))).toEqual(draftPostmortem(requestOf(scenarios.resolved())));
  });
});

describe("the transcript", () => {
  test("tells a night line by line", () => {
    const { events, plans } = scenarios.resolved();
    expectPage("transcript.out", `${transcript(events, plans, names).join("\n")}\n`);
  });
});

describe("where the minutes went", () => {
  test("adds up to the whole, with every attempt counted as work of machines", () => {
    const story = scenarios.verified();
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

  test("of a second attempt counts the first as what it was, and a dry run as deciding", () => {
    const story = stories.secondAttempt();
    const run = story.state.runs.get("run-second00");
    if (!run) throw new Error("There is no run.");
    const exact = account(story.state, run, story.now);
    expect(exact?.phases.map(({ name, seconds }) => [name, seconds])).toEqual([
      ["detecting", 180],
      // 90 s to the first request, 20 s from its end to the second
      ["deciding", 110],
      // 300 s until it was escalated, 20 s until approved, 30 s from the failure to the abort
      ["people", 350],
      // preflight 4, to the start 1, fence 4, promote 12; the second preflight 5
      ["machines", 26],
    ]);
    const again = stories.deniedAndAskedAgain();
    const denied = again.state.runs.get("run-4hx8w2pd");
    // To the declaration 30 s of the commander's, then the dry run's 3 s and 50 s more.
    expect(denied && account(again.state, denied, again.now)?.phases[1]?.seconds).toBe(83);
  });

  test("stretches follow one another from the first moment to the last, and sum to the parts", () => {
    for (const tell of [scenarios.verified, stories.secondAttempt, stories.deniedAndAskedAgain, stories.planned]) {
      const { state, now } = tell();
      for (const run of state.runs.values()) {
        const counted = account(state, run, now);
        if (counted === null) continue;
        const ends = counted.stretches.map(({ to }) => to.getTime());
        expect(counted.stretches.map(({ from }) => from.getTime())).toEqual(
          [counted.from.getTime(), ...ends].slice(0, -1),
        );
        for (const { name, seconds } of counted.phases) {
          const mine = counted.stretches.filter((one) => one.name === name);
          expect(mine.reduce((sum, { from, to }) => sum + to.getTime() - from.getTime(), 0)).toBe(seconds * 1000);
        }
      }
    }
  });

  test("has no negative part, no matter when the impact is said to begin", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400 }), fc.integer({ min: 0, max: 3_600 }), (before, wait) => {
        const story = new RecordedIncident(orders);
        const impactStartedAt = new Date(story.now.getTime() - before * 1000);
        story
          .ask("ana", {
            ...{ type: "declare", title: "x", system: "orders", severity: "P1", kind: "real" },
            ...{ impactStartedAt, announceIn: null },
          } as const)
          .after(wait);
        const run = scenarios.verified().state.runs.get("run-4hx8w2pd");
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
        const story = new RecordedIncident(orders)
          .ask("ana", {
            ...{ type: "declare", title: `t ${title}`, system: "orders", severity: "P1", kind: "real" },
            ...{ impactStartedAt: null, announceIn: null },
          } as const)
          .ask("bo", { type: "note", text: `n ${note}`, happenedAt: null, link: null });
        const { markdown: text, html: page } = draftPostmortem(requestOf(story));
        expect(page).not.toMatch(/<script|onload="|javascript:alert\(1\)\)"/);
        const headings = text.split("\n").filter((line) => line.startsWith("#"));
        expect(headings.length).toBe(13);
        expect(faultsIn(page)).toEqual([]);
        const rows = text.split("\n").filter((line) => /^\| \d\d:\d\d:\d\d/.test(line));
        expect(rows.length).toBe(2);
        for (const row of rows) expect(row.replace(/\\\\/g, "").replace(/\\\|/g, "").split("|")).toHaveLength(5);
      }),
      { numRuns: 60 },
    );
  });
});
