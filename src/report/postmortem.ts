import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { System } from "../catalog/types.ts";
import { fold, type LogEvent, type Plans } from "../incident/evolve.ts";
import { projectRoot } from "../lib/root.ts";
import { trimmedEnd } from "../lib/trim.ts";
import { factsOf } from "./facts.ts";
import { render } from "./liquid.ts";
import { html } from "./markup.ts";
import { bodyOf } from "./page.ts";
import type { Suggestion } from "./suggest.ts";
import { shippedTemplate } from "./templates.ts";

export interface PostmortemRequest {
  readonly incident: string;
  /** What people call it by; absent: as its events say, or nothing. */
  readonly number?: number;
  /** What files are called by; absent: its id. */
  readonly name?: string;
  /** The whole stream, in its order. */
  readonly events: readonly (LogEvent & { readonly hash?: string })[];
  readonly plans: Plans;
  readonly system: System;
  /** A person id as people know them: plain words. */
  readonly names: (who: string) => string;
  readonly practice: boolean;
  /** False: the document stands alone, as at the command line, and what a picture shows is in a table. */
  readonly pictures: boolean;
  /** Liquid and Markdown; absent: the shipped template. */
  readonly template?: string;
  /** Titles of what the system's calendar says is overdue; absent: nothing. */
  readonly overdue?: readonly string[];
  /** What a template of another kind of document may name beside the facts. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export interface Postmortem {
  readonly title: string;
  /** What kind of document it is: `Post-mortem`. */
  readonly report: string;
  /** It names its pictures as files beside it. */
  readonly markdown: string;
  /** SVG files that belong beside the Markdown. */
  readonly pictures: readonly { readonly name: string; readonly content: string }[];
  /** One file with everything in it, for a screen and for A4; nothing in it runs. */
  readonly html: string;
  /** What the record says is to be done. */
  readonly suggested: readonly Suggestion[];
}

/**
 * The document the timeline writes by itself. Facts come from events and carry the version they stand on (`#12`);
 * what only people can say is left to them under a heading, never invented.
 * The text is a template of Markdown and Liquid; every output is escaped, and a value a template names but the
 * facts do not have is an error. The page is made from the same Markdown. The same events give the same bytes.
 */
export function draftPostmortem(request: PostmortemRequest): Postmortem {
  const { incident, events, plans, number } = request;
  const state = { ...fold(incident, events, plans), ...(number !== undefined && { number }) };
  const template = request.template ?? shippedTemplate();
  const { facts, pictures } = factsOf(request, state);
  const markdown = tidy(render(template, { ...facts, ...request.more }));
  // The page carries its pictures whether or not the Markdown has files beside it.
  const pictured = request.pictures ? { facts, pictures } : factsOf({ ...request, pictures: true }, state);
  const body = bodyOf(
    request.pictures ? markdown : tidy(render(template, { ...pictured.facts, ...request.more })),
    new Map(pictured.pictures.map(({ name, svg }) => [name, svg])),
  );
  return {
    title: facts.title,
    report: facts.report,
    markdown,
    pictures: pictures.map(({ name, svg }) => ({ name, content: `${svg}\n` })),
    html: pageOf(`${facts.report}: ${facts.title}`, body),
    suggested: facts.suggested,
  };
}

/** A whole page around a body, in the style of reports. */
export function pageOf(title: string, body: string): string {
  const css = readFileSync(join(projectRoot(), "templates", "postmortem", "page.css"), "utf8");
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${html(title)}</title>`,
    `<style>\n${css}</style>`,
    "</head>",
    "<body>",
    "<main>",
    `${body.trimEnd()}\n</main>`,
    "</body>",
    "</html>\n",
  ].join("\n");
}

/** No blank lines in a row, and none at the end: what a template leaves out leaves no gap. */
function tidy(text: string): string {
  return `${text
    .split("\n")
    .map((line) => trimmedEnd(line, " \t"))
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}
