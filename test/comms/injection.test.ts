import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compose, prefilled } from "../../src/comms/compose.ts";
import { loadTemplates } from "../../src/comms/load.ts";
import { renderPage } from "../../src/comms/page/render.ts";
import type { Template } from "../../src/comms/template.ts";
import type { UpdateState } from "../../src/incident/state.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { scenarioOf, writingOf } from "./scenarios.ts";

const { templates } = loadTemplates(join(projectRoot(), "templates", "systems"));
const shipped = templates.for("orders");

/** What people paste, and what others hope they paste. */
const poison = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...["<!channel>", "<!here|x>", "@channel", "@everyone", "<@U0ANA>", "<#C1|x>", "<https://evil.example|click>"],
        ...["https://evil.example/x", "www.evil.example", "evil.com", "a@evil.com", "mailto:a@evil.com", "//evil.com"],
        ...[
          "[click](https://evil.example)",
          "![x](//evil.com/y)",
          "<a href=x>",
          "<script>alert(1)</script>",
          "<img src=x>",
        ],
        ...[
          "\"onload='x",
          "</p></div>",
          "&lt;b&gt;",
          "&#60;",
          "<!--",
          "]]>",
          "*bold*",
          "**bold**",
          "_x_",
          "`x`",
          "~x~",
        ],
        ...[
          "\r\nBcc: all@evil.com",
          "\nSubject: other",
          "\n\n- item",
          "\u2028> quote",
          "- ",
          "> ",
          "\n.\n",
          "=?utf-8?q?x?=",
        ],
        ...[
          "{{ incident.id }}",
          "{% raw %}",
          "{{ 'x' | raw }}",
          "{{ constructor }}",
          "\ue000x\ue001",
          "\ue002https://evil.example\ue003",
        ],
        ...["\u202etxet", "\u200b", "\u0000", "\ufeff", "١٢٣", "🔥", "javascript:alert(1)"],
      ),
      fc.string({ unit: "grapheme", maxLength: 12 }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(""));

const filledWith = (template: Template, give: (name: string) => string) =>
  Object.fromEntries(template.fields.map(({ name }) => [name, give(name)]));

function written(template: Template, given: Readonly<Record<string, string>>) {
  return compose(template, given, writingOf(scenarioOf(template.moment))).update;
}

/** The built-in page with this on it. */
function onPage(page: NonNullable<UpdateState["page"]>): string {
  const now = new Date("2026-11-21T03:00:00Z");
  const incidents = [{ id: "inc-1", system: "orders", updates: [{ at: now, audience: "status-page" as const, page }] }];
  return renderPage({ systems: [{ id: "orders", title: "Orders" }], incidents, practice: false, now });
}

const OURS = "https://status.orders.example/";
const tagsOf = (html: string) => html.match(/<[^>]*>/g) ?? [];
const linesOf = (text: string) => text.split("\n").length;
const urls = (text: string) => text.match(/\w:\/\/\S+|www\.[a-z]|\w@\w|mailto:/gi) ?? [];

describe("whatever is filled in stays words", () => {
  test.each(shipped.map((template) => [template.id, template] as const))("in %s", (_, template) => {
    const calm = written(
      template,
      filledWith(template, () => "calm"),
    );
    fc.assert(
      fc.property(
        fc.array(poison, { minLength: template.fields.length, maxLength: template.fields.length }),
        (texts) => {
          const given = Object.fromEntries(template.fields.map(({ name }, index) => [name, texts[index] as string]));
          // An optional field that is empty leaves its paragraph out; it is not empty here.
          fc.pre(Object.values(written(template, given).fields).every((text) => text !== ""));
          const { slack, email, page } = written(template, given);
          if (slack && calm.slack) {
            expect(linesOf(slack.text)).toBe(linesOf(calm.slack.text));
            expect(slack.text.replaceAll(`<${OURS}>`, "")).not.toMatch(/[<>`~]|@(channel|here|everyone)/);
            expect((slack.text.match(/\*/g) ?? []).length).toBe((calm.slack.text.match(/\*/g) ?? []).length);
            expect(urls(slack.text.replaceAll(OURS, ""))).toEqual([]);
          }
          if (email && calm.email) {
            expect(email.subject).not.toMatch(/[\p{Cc}\p{Co}\u2028\u2029\u202e]/u);
            expect(linesOf(email.text)).toBe(linesOf(calm.email.text));
            expect(urls(email.text.replaceAll(OURS, ""))).toEqual([]);
            const noTitle = (html: string) => html.replace(/<title>[^<]*<\/title>/, "");
            expect(tagsOf(noTitle(email.html))).toEqual(tagsOf(noTitle(calm.email.html)));
            expect(urls(noTitle(email.html).replaceAll(OURS, ""))).toEqual([]);
          }
          if (page && calm.page) {
            expect(`${page.name}${page.body}`).not.toMatch(/[<>[\]`*_]/);
            expect(linesOf(page.body)).toBe(linesOf(calm.page.body));
            expect(page.name).not.toMatch(/\n/);
            expect(urls(page.body.replaceAll(OURS, ""))).toEqual([]);
            expect(tagsOf(onPage(page))).toEqual(tagsOf(onPage(calm.page)));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a filled-in template is a text and not a template", () => {
    const template = shipped.find(({ id }) => id === "status-page-initial") as Template;
    const { page } = written(
      template,
      filledWith(template, () => "{{ incident.id }}{% assign x = 1 %}"),
    );
    expect(page?.body).toContain("{{ incident.\u2060id }}{% assign x = 1 %}");
  });

  test("what an incident is called, and what a target answered, are words too", () => {
    const template = shipped.find(({ id }) => id === "executives-initial") as Template;
    const night = scenarioOf("initial");
    const declared = night.state.declared;
    if (declared === null) throw new Error("Nothing was declared.");
    const title = "<!channel> <https://evil.example|pay here>\r\nBcc: x@evil.com";
    const state = { ...night.state, declared: { ...declared, title } };
    const writing = { ...writingOf(night), state };
    const { slack, email } = compose(template, prefilled(template, writing), writing).update;
    expect(slack?.text ?? "").not.toMatch(/<!|<http/);
    expect(email?.subject).toMatch(
      /^P1 Orders: <!channel> <https:\u2060\/\/evil\.\u2060example\|pay here> Bcc: x@\u2060evil\.\u2060com$/,
    );
    expect(email?.html).not.toContain("<!channel>");
  });
});
