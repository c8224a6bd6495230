import type { IncidentState, Page } from "../../../src/incident/state.ts";
import { cut, safe } from "../kit/escape.ts";
import { roleWords } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock } from "../kit/when.ts";

/** The page of a question, or of the incident itself (`ask` null). */
export function pageOf(state: IncidentState, ask: string | null): Page | null {
  return lastPage(state, (page, key) => page.ask === ask && !/\/(glass|split-[\w-]+)$/.test(key));
}

/** The page about break-glass that is to be used at this question, or was. */
export function breakGlassPageOf(state: IncidentState, ask: string): Page | null {
  return lastPage(state, (page, key) => page.ask === ask && BREAK_GLASS.test(key));
}

const BREAK_GLASS = /\/glass(?:-broken)?$/;

function lastPage({ paging }: IncidentState, is: (page: Page, key: string) => boolean): Page | null {
  return [...paging.pages].findLast(([key, page]) => is(page, key))?.[1] ?? null;
}

/** "Paged: incident commander at …, acknowledged by @sam …". To acknowledge is not to decide. */
export function ackWords(page: Page, around: Surroundings): string {
  const names = page.people.map((id) => around.names(id)).join(", ");
  if (page.role === null && names !== "") return `Paged: ${names} ${at(page.at)} · ${answered(page, around)}`;
  const whom = page.role === null ? "on-call" : roleWords(around.system, page.role);
  const people = names === "" ? "" : ` (${names})`;
  return `Paged: ${whom}${people} ${at(page.at)} · ${answered(page, around)}`;
}

function answered({ acknowledged, at: since }: Page, around: Surroundings): string {
  const by = acknowledged.filter((one) => one.at >= since);
  if (by.length === 0) return "not acknowledged yet";
  return `acknowledged by ${by.map((one) => `${one.person ? around.names(one.person) : safe(one.name)} at ${clock(one.at)}`).join(", ")}`;
}

/** Said while paging fails, because someone may count on it. */
export function notPaged({ paging }: IncidentState): string | null {
  if (paging.failing === null) return null;
  const { since, problem } = paging.failing;
  const where = problem.where ? `${safe(problem.where)}: ` : "";
  return `Paging has failed since ${clock(since)}: ${where}${safe(cut(problem.what, 200))}. Call people yourselves; Lifeboat keeps trying.`;
}
