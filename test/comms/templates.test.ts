import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { compose, prefilled } from "../../src/comms/compose.ts";
import { loadTemplates } from "../../src/comms/load.ts";
import { NEXT_UPDATE, type Template } from "../../src/comms/template.ts";
import { momentsNow } from "../../src/incident/moments.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { keepPages } from "../support/printed-page.ts";
import { scenarioOf, shop, writingOf } from "./scenarios.ts";

const keep = keepPages(join(projectRoot(), "test", "comms"));
const { templates, problems } = loadTemplates(join(projectRoot(), "templates", "systems"));
const shipped = templates.for("orders");

/** What a writer with little time says: what is offered, and where nothing is, what the form asks for. */
function filledIn(template: Template): Record<string, string> {
  const offered = prefilled(template, writingOf(scenarioOf(template.moment)));
  return Object.fromEntries(template.fields.map(({ name, describes }) => [name, offered[name] || `(${describes})`]));
}

describe("the shipped templates", () => {
  test("have no mistakes, and no words customers do not use", () => {
    expect(problems).toEqual([]);
  });

  test("cover every moment for everyone who is told of it", () => {
    const of = (audience: string) =>
      shipped
        .filter((one) => one.audience === audience)
        .map(({ moment }) => moment)
        .sort();
    const inside = [
      ...["approval-requested", "degraded", "drill-announcement", "drill-result", "escalation", "failover-starting"],
      ...["initial", "postmortem", "progress", "resolution"],
    ];
    const outside = ["degraded", "failover-starting", "initial", "postmortem", "progress", "resolution"];
    expect(of("responders")).toEqual(inside);
    expect(of("executives")).toEqual(inside);
    expect(of("customers")).toEqual(outside);
    expect(of("status-page")).toEqual(outside);
  });

  test.each(shipped.map((template) => [template.id, template] as const))("%s, as it is read", (id, template) => {
    const { update, missing, destinations } = compose(
      template,
      filledIn(template),
      writingOf(scenarioOf(template.moment)),
    );
    expect(missing).toEqual([]);
    expect(destinations.every(({ why }) => why === null)).toBe(true);
    const parts = [
      `to ${destinations.map(({ to }) => to).join("; ")}`,
      ...(update.slack ? [`=== Slack\n${update.slack.text}`] : []),
      ...(update.email
        ? [`=== mail: ${update.email.subject}\n${update.email.text}`, `=== mail as HTML\n${update.email.html}`]
        : []),
      ...(update.page ? [`=== status page (${update.page.status}): ${update.page.name}\n${update.page.body}\n`] : []),
    ];
    // The joiner no one sees, seen.
    keep(`${id}.txt`, `${parts.join("\n\n").replaceAll("\u2060", "⁀")}\n`.replace(/\n+$/, "\n"));
  });

  test.each(shipped.map((template) => [template.id, template] as const))("%s fits its own night", (_, template) => {
    expect(momentsNow(scenarioOf(template.moment).state, template.audience)).toContain(template.moment);
  });

  test("each says when the next word comes, while there is one to come", () => {
    const silent = shipped.filter(({ moment }) => !/^(resolution|postmortem|drill-result)$/.test(moment));
    for (const template of silent) {
      const given = { ...filledIn(template), [NEXT_UPDATE]: "04:44 UTC" };
      const { update } = compose(template, given, writingOf(scenarioOf(template.moment)));
      const said = [update.slack?.text, update.email?.text, update.page?.body].filter((text) => text !== undefined);
      expect(said.every((text) => text.includes("04:44 UTC"))).toBe(true);
    }
  });

  test("an incident begins at one time for every reader: when impact began, not when it was declared", () => {
    const folder = join(projectRoot(), "templates");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
      /comms\/.*\.md$/.test(file),
    );
    expect(files.length).toBeGreaterThan(20);
    const declared = files.filter((file) => readFileSync(join(folder, file), "utf8").includes("incident.declared"));
    expect(declared).toEqual([]);
  });

  test("what no one filled in is requested", () => {
    const template = shipped.find(({ id }) => id === "customers-initial") as Template;
    const { missing } = compose(template, {}, writingOf(scenarioOf("initial")));
    expect(missing.map(({ name }) => name)).toEqual(["headline", "impact", "nextUpdate"]);
  });

  test("what is not for real says so first, in every channel", () => {
    const night = scenarioOf("drill-announcement");
    const template = shipped.find(({ id }) => id === "executives-drill-announcement") as Template;
    const { update } = compose(template, filledIn(template), writingOf(night));
    expect(update.slack?.text).toMatch(/^\*This is a drill\. /);
    expect(update.email?.text).toMatch(/^This is a drill\. /);
    expect(update.email?.subject).toMatch(/^\[DRILL\] /);
    const practice = compose(template, filledIn(template), { ...writingOf(night), practice: true }).update;
    expect([practice.email?.subject, practice.slack?.text]).toEqual([
      expect.stringMatching(/^\[PRACTICE\] /),
      expect.stringMatching(/^\*This is practice\. /),
    ]);
  });

  test("where a channel is not configured, its absence is said and nothing is planned for it", () => {
    const template = shipped.find(({ id }) => id === "customers-initial") as Template;
    const writing = { ...writingOf(scenarioOf("initial")), reach: { email: false, statuspage: false } };
    const { update, destinations } = compose(template, filledIn(template), writing);
    expect([update.email, update.channels]).toEqual([null, []]);
    expect(destinations).toEqual([{ to: "e-mail: 2 addresses", why: "no mail server is configured (SMTP_URL)" }]);
    expect(shop.comms?.routes.length).toBeGreaterThan(0);
  });
});
