import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { reportFindings } from "../../src/catalog/report.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { draftPostmortem } from "../../src/report/postmortem.ts";
import { checkTemplate, checkTemplates, shippedTemplate, templateFor } from "../../src/report/templates.ts";
import { makeFolder } from "../support/catalog-folder.ts";
import { faultsIn } from "../support/html-syntax.ts";
import { keepPages } from "../support/printed-page.ts";
import * as stories from "../support/report-stories.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const systems = join(projectRoot(), "templates", "systems");
const names = (who: string) => stories.berlin.people.find(({ id }) => id === who)?.name ?? who;

function draftBy(template: string, story = stories.unplannedWithLoss()) {
  const { events, plans, state } = story;
  const { id: incident } = state;
  return draftPostmortem({
    ...{ incident, events, plans, system: stories.berlin, names, practice: false, pictures: true, template },
  });
}

describe("a system's own template", () => {
  test("takes the place of the shipped one, for that system alone, as its file is now", () => {
    const folder = makeFolder({
      "shop/system.yml": "",
      "other/system.yml": "",
      "shop/postmortem.md.liquid": "# {{ title }}: {{ loss.says }}\n",
    });
    try {
      const own = templateFor(folder.path, "shop");
      expect(own.problem).toBeNull();
      expect(draftBy(own.source).markdown).toBe("# Orders cannot be placed: 3.2 s of writes, 12 rows\n");
      expect(templateFor(folder.path, "other")).toEqual({ source: shippedTemplate(), problem: null });
      expect(checkTemplates(folder.path)).toEqual({ problems: [], count: 1 });
    } finally {
      folder.remove();
    }
  });

  test("with a mistake leaves the shipped one where it is, and says why", () => {
    const folder = makeFolder({ "shop/system.yml": "", "shop/postmortem.md.liquid": "# {{ titel }}\n" });
    try {
      expect(templateFor(folder.path, "shop")).toEqual({
        source: shippedTemplate(),
        problem: 'shop/postmortem.md.liquid, line 1: There is no "titel". The shipped template was used',
      });
    } finally {
      folder.remove();
    }
  });

  test.each(["marimo-erp", "sav3"])("%s has the one of its document, without a mistake", (system) => {
    const { source, problem } = templateFor(systems, system);
    expect([problem, source === shippedTemplate()]).toEqual([null, false]);
    for (const [name, tell] of Object.entries({ loss: stories.unplannedWithLoss, drill: stories.drill })) {
      const draft = draftBy(source, tell());
      expectPage(`${system}-${name}.md.out`, draft.markdown);
      expect(faultsIn(draft.html)).toEqual([]);
    }
  });

  test("of Marimo has the headings of its document, in their order", () => {
    const headings = draftBy(templateFor(systems, "marimo-erp").source).markdown.match(/^#+ .*/gm) ?? [];
    expect(headings.map((line) => line.replace(/:.*/, "")).slice(0, 8)).toEqual([
      ...[
        "# Incident Post-Mortem",
        "## Incident Summary",
        "## Timeline",
        "## Root Cause",
        "## Resolution",
        "## Impact",
      ],
      ...["## Action Items", "## Lessons Learned"],
    ]);
  });
});

describe("lint of report templates", () => {
  test("finds nothing in those that are shipped", () => {
    expect(checkTemplate("shipped", shippedTemplate())).toEqual([]);
    expect(checkTemplates(systems).problems).toEqual([]);
    expect(checkTemplates(systems).count).toBe(2);
  });

  test("says what is wrong, where, and what is allowed", () => {
    const source = [
      "# {{ titel }}",
      "{% for run in runs %}{{ run.rtto }} {{ run.phases.size }} {{ run.title.size }}",
      "{% for phase in run.phases %}{{ phase.lenght }}{% endfor %}{% endfor %}",
      "{{ loss }} {{ loss.size }} {{ timeline.event }} {{ moments.fixed.hour }}",
      "{% assign mine = title %}{{ mine }} {{ forloop.index }}",
      "{{ summary | shout }}",
    ].join("\n");
    expectPage("lint.out", reportFindings(checkTemplate("postmortem.md.liquid", source.replace(" | shout", "")), ""));
    expect(checkTemplate("x", source).map(({ rule, line }) => [rule, line])).toEqual([["report-liquid", 6]]);
    expect(checkTemplate("x", "{% include 'other' %}").map(({ what }) => what)).toEqual(['tag "include" not found']);
    expect(checkTemplate("x", " \n").map(({ rule }) => rule)).toEqual(["report-body"]);
  });

  test("what it lets through can be drawn: no value escapes, no file is read", () => {
    expect(checkTemplate("x", "{{ title | raw }}").map(({ rule }) => rule)).toEqual(["report-liquid"]);
    expect(checkTemplate("x", "{{ constructor }} {{ title.__proto__ }}").map(({ rule }) => rule)).toEqual([
      ...["report-name", "report-name"],
    ]);
    const { html } = draftBy(
      "<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](https://evil.example/p.png) {{ title }}",
    );
    expect(html).not.toMatch(/<script|javascript:|<img/);
    expect(html).toContain("&#60;script&#62;alert(1)&#60;/script&#62;");
    expect(faultsIn(html)).toEqual([]);
  });
});
