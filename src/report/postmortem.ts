import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Liquid } from "liquidjs";
import type { System } from "../catalog/types.ts";
import { fold, type LogEvent, type Plans } from "../incident/evolve.ts";
import { projectRoot } from "../lib/root.ts";
import { factsOf } from "./facts.ts";
import { html, markdown } from "./markup.ts";

export interface PostmortemRequest {
  readonly incident: string;
  /** What people call it by; absent: as its events say, or nothing. */
  readonly number?: number;
  /** The whole stream, in its order. */
  readonly events: readonly (LogEvent & { readonly hash?: string })[];
  readonly plans: Plans;
  readonly system: System;
  /** A person id as people know them: plain words. */
  readonly names: (who: string) => string;
  readonly practice: boolean;
}

export interface Postmortem {
  readonly title: string;
  readonly markdown: string;
  readonly html: string;
}

/**
 * The document the timeline writes by itself. Facts come from events and carry the version they stand on (`#12`);
 * what only people can say is left to them under a heading, never invented.
 * The texts are templates of `templates/postmortem/`; every output is escaped, and a value a template names but the
 * facts do not have is an error. The same events give the same bytes.
 */
export function draftPostmortem(request: PostmortemRequest): Postmortem {
  const { incident, events, plans, number } = request;
  const state = { ...fold(incident, events, plans), ...(number !== undefined && { number }) };
  const facts = factsOf(request, state);
  return {
    title: facts.title,
    markdown: render("postmortem.md.liquid", markdown, facts),
    html: render("postmortem.html.liquid", html, facts),
  };
}

const TEMPLATES = join("templates", "postmortem");

function render(file: string, outputEscape: (words: unknown) => string, facts: object): string {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    outputEscape,
    dynamicPartials: false,
    relativeReference: false,
    root: [],
    parseLimit: 1e6,
    renderLimit: 5_000,
  });
  return liquid.parseAndRenderSync(readFileSync(join(projectRoot(), TEMPLATES, file), "utf8"), facts);
}
