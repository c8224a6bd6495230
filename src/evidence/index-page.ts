import type { RunFigures } from "../incident/figures.ts";
import { type ResolvedIncident, resolutionsOf, trendsOf } from "../incident/trends.ts";
import { length } from "../report/length.ts";
import { html } from "../report/markup.ts";
import { pageOf } from "../report/postmortem.ts";
import { trendPicture } from "../report/trend-picture.ts";
import type { Due } from "./calendar.ts";
import { filesFor, standards } from "./controls.ts";
import type { Cell } from "./csv.ts";
import type { Query } from "./query.ts";
import { inOrder, type RegisterRow } from "./tables.ts";

export interface IndexFacts {
  readonly query: Query;
  readonly practice: boolean;
  readonly rows: readonly RegisterRow[];
  readonly dues: readonly Due[];
  readonly figures: readonly RunFigures[];
  readonly resolved: readonly ResolvedIncident[];
  readonly paths: readonly string[];
  readonly notes: readonly string[];
}

/** The page a reader begins with: the population, trends, and what shows what. Nothing in it runs. */
export function indexPage(facts: IndexFacts): string {
  const { query, practice, rows, notes } = facts;
  const whose = query.system === null ? "all systems" : query.system;
  const body = [
    `<h1>Evidence: ${html(whose)}, ${stamp(query.from)} to ${stamp(query.to)}</h1>`,
    practice ? "<p><strong>Practice: nothing of this was real.</strong></p>" : "",
    "<p>Times are UTC; the end isn't in the period. What is in the files, and how to check them without trusting their author: <code>README.md</code>.</p>",
    ...notes.map((note) => `<p>⚠ ${html(note)}</p>`),
    "<h2>Population</h2>",
    "<p>Everything there was, whatever became of it. Real incidents, planned work and exercises stand apart. The same with every figure: <code>register.csv</code>.</p>",
    ...population(rows),
    "<h2>Calendar</h2>",
    calendar(facts.dues, rows),
    "<h2>Trends</h2>",
    ...trends(facts),
    "<h2>What shows what</h2>",
    ...controls(facts.paths),
  ];
  return pageOf(`Evidence: ${whose}`, body.filter((part) => part !== "").join("\n"));
}

const TITLES: readonly (readonly [string, string])[] = [
  ["real", "Real incidents"],
  ["maintenance", "Planned work"],
  ["drill", "Drills"],
  ["tabletop", "Tabletop exercises"],
];

function population(rows: readonly RegisterRow[]): readonly string[] {
  return TITLES.flatMap(([kind, title]) => {
    const own = inOrder(rows).filter((row) => row.class === kind && row.entry !== "calendar");
    if (own.length === 0) return kind === "tabletop" ? [] : [`<h3>${title}</h3>`, "<p>None in the period.</p>"];
    const lines = own.map((row) => [
      row.entry === "record" ? link(String(row.document), String(row.record)) : "",
      html(row.entry === "record" ? row.title : `${row.dry_run ? "Dry run: " : ""}${row.title} (${row.mode})`),
      html(row.status),
      when(row.started_at),
      row.entry === "record" ? "" : figure(row.rto_achieved_seconds, row.rto_objective_seconds, row.rto_met),
      row.entry === "record" ? "" : figure(row.rpo_achieved_seconds, row.rpo_objective_seconds, row.rpo_met),
      html(row.deviations ?? ""),
    ]);
    return [`<h3>${title}</h3>`, table(["Record", "What", "Status", "Started", "RTO", "RPO", "Deviations"], lines)];
  });
}

function figure(achieved: Cell, objective: Cell, met: Cell): string {
  const took = typeof achieved === "number" ? length(achieved) : "not measured";
  if (typeof objective !== "number") return html(took);
  const verdict = met === true ? ", met" : met === false ? ", missed" : "";
  return html(`${took} of ${length(objective)}${verdict}`);
}

function calendar(dues: readonly Due[], rows: readonly RegisterRow[]): string {
  if (dues.length === 0) return "<p>Nothing was due by the calendar that was in force.</p>";
  return table(
    ["Due", "What", "Kind", "Status"],
    dues.map(({ at, title, kind, status, run, reason }) => {
      const held = run === null ? undefined : rows.find((row) => row.run === run);
      const where = held ? ` (${link(String(held.document), String(held.record))})` : "";
      return [stamp(at), html(title), kind, `${html(status)}${where}${reason === null ? "" : `: ${html(reason)}`}`];
    }),
  );
}

function trends({ figures, resolved }: IndexFacts): readonly string[] {
  const found = trendsOf(figures);
  const pictures = found.flatMap((trend, at) => {
    const picture = trendPicture(trend, `trend-${at + 1}`);
    const kind = trend.kind === "real" ? "for real" : trend.kind === "drill" ? "in drills" : "in planned work";
    return picture === null
      ? []
      : [
          `<h3>${html(trend.title)} (${trend.mode}, ${kind})</h3>`,
          `<span class="picture">${picture.svg}</span>`,
          `<p>${html(picture.alt)}</p>`,
        ];
  });
  const mttr = resolutionsOf(resolved).map((one) => [
    html(one.system),
    one.severity,
    String(one.count),
    length(one.meanSeconds),
    length(one.medianSeconds),
    length(one.longestSeconds),
  ]);
  return [
    ...(pictures.length === 0 ? ["<p>No run was measured.</p>"] : pictures),
    ...(mttr.length === 0
      ? []
      : [
          "<h3>Time to resolve</h3>",
          table(["System", "Severity", "Incidents", "Mean (MTTR)", "Median", "Longest"], mttr),
        ]),
  ];
}

function controls(paths: readonly string[]): readonly string[] {
  return standards().flatMap(({ title, controls: all }) => [
    `<h3>${html(title)}</h3>`,
    table(
      ["Control", "Shown by", "Not shown"],
      all.map(({ id, title: what, shows, not }) => [
        `${html(id)}: ${html(what)}`,
        shows
          .map(({ file, says }) => {
            const count = filesFor(file, paths).length;
            return `<code>${html(file)}</code>: ${html(says)}${count === 0 ? " <em>(none in this pack)</em>" : ""}`;
          })
          .join("<br>\n"),
        html(not),
      ]),
    ),
  ]);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((one) => `<th scope="col">${html(one)}</th>`).join("");
  const lines = rows.map(
    (cells) => `<tr>${cells.map((cell, at) => `<td data-label="${html(heads[at] ?? "")}">${cell}</td>`).join("")}</tr>`,
  );
  return `<table>\n<thead>\n<tr>${head}</tr>\n</thead>\n<tbody>\n${lines.join("\n")}\n</tbody>\n</table>`;
}

function link(to: string, says: string): string {
  return `<a href="${html(to)}">${html(says)}</a>`;
}

const when = (value: Cell) => (value instanceof Date ? stamp(value) : "");
const stamp = (at: Date) => `${at.toISOString().slice(0, 16).replace("T", " ")}`;
