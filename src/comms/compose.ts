import { line } from "../incident/decide/words.ts";
import type { Moment, PostedUpdate, Via } from "../incident/events.ts";
import { isPrivate } from "../incident/members.ts";
import { incidentName } from "../incident/numbers.ts";
import type { IncidentState } from "../incident/state.ts";
import { addresses } from "../sinks/mail/email.ts";
import { type Facts, factsOf, type Known } from "./facts.ts";
import { letter } from "./letter.ts";
import { render } from "./liquid.ts";
import {
  lineOf,
  type RichText,
  toHtml,
  toPage,
  toSlack,
  toText,
  unlinked,
  unmarked,
  withMarks,
  wordsOf,
} from "./rich-text.ts";
import { routeOf } from "./route.ts";
import type { Field, Template } from "./template.ts";

/** What this installation can reach, beside Slack and its own page. */
export interface Reach {
  readonly email: boolean;
  readonly statuspage: boolean;
}

export interface Composition {
  /** As it would be posted, but for its id. */
  readonly update: Omit<PostedUpdate, "update">;
  /** Required fields with nothing in them. */
  readonly missing: readonly Field[];
  /** The words, whether or not anyone can be reached with them. */
  readonly preview: { readonly slack: string } | { readonly subject: string; readonly text: string };
  /** Where it goes and, with a reason, where it does not, for the person who sends it. */
  readonly destinations: readonly { readonly to: string; readonly why: string | null }[];
}

export type Writing = Known & { readonly practice: boolean; readonly reach: Reach };

/** Of a private incident only its members read. */
const CHANNEL_ONLY = { slack: ["incident"], email: [], page: false } as const;

export const FIELD_LENGTH_MAX = 1500;

/** What stands in the form before anyone types: what was said last under the same name, else what the facts give. */
export function prefilled(template: Template, writing: Writing): Readonly<Record<string, string>> {
  const facts = factsOf(writing);
  return Object.fromEntries(
    template.fields.map((field) => [field.name, carried(field, template, writing.state) ?? offered(field, facts)]),
  );
}

/** The words of every channel from what was filled in. The same writing and fields give the same words. */
export function compose(template: Template, given: Readonly<Record<string, string>>, writing: Writing): Composition {
  const { state, system, practice, reach } = writing;
  const fields = Object.fromEntries(
    template.fields.map(({ name }) => [name, line(given[name] ?? null, FIELD_LENGTH_MAX) ?? ""]),
  );
  const values = { ...factsOf(writing), ...fields };
  const notice = noticeOf(state, practice);
  const words: RichText = [
    ...(notice ? [noticed(notice.says)] : []),
    ...wordsOf(render(withMarks(template.body), values)),
  ];
  const subject = template.subject === null ? "" : lineOf(render(template.subject, values));
  const titled = `${notice ? `[${notice.mark}] ` : ""}${subject}`;
  const { audience, moment, channels } = template;
  const route = isPrivate(state.declared) ? CHANNEL_ONLY : routeOf(system, audience);
  const paged = channels.includes("statuspage") && (audience === "status-page" || route.page);
  const mailed = channels.includes("email") && route.email.length > 0;
  const slack = channels.includes("slack") && route.slack.length > 0;
  const vias: Via[] = [
    ...(mailed && reach.email ? (["email"] as const) : []),
    ...(paged ? (["page"] as const) : []),
    ...(paged && system.comms?.statuspage && reach.statuspage ? (["statuspage"] as const) : []),
  ];
  return {
    update: {
      ...{ template: template.id, title: template.title, audience, moment, fields, channels: vias },
      slack: slack ? { text: toSlack(words), places: route.slack } : null,
      email: vias.includes("email")
        ? {
            subject: unlinked(titled),
            text: letter.text(toText(words), incidentName(state), system.title),
            html: letter.html(toHtml(words), titled, incidentName(state), system.title),
            recipients: route.email.length,
          }
        : null,
      page: paged
        ? {
            ...{
              name: `${notice ? `${notice.mark} · ` : ""}${unmarked(unlinked(subject))}`,
              body: toPage(words),
              status: pageStatus(state, moment),
            },
            ...{ impact: IMPACT[state.severity], components: componentsNow(state, moment) },
          }
        : null,
    },
    preview: channels.includes("slack") ? { slack: toSlack(words) } : { subject: titled, text: toText(words) },
    missing: template.fields.filter(({ name, required }) => required && fields[name] === ""),
    destinations: [
      ...(slack ? [{ to: `Slack: ${route.slack.map(placeWords).join(", ")}`, why: null }] : []),
      ...(mailed ? [{ to: `e-mail: ${addresses(route.email.length)}`, why: reach.email ? null : NO_MAIL }] : []),
      ...(paged ? [{ to: "the status page", why: null }] : []),
      ...(paged && system.comms?.statuspage
        ? [{ to: "Statuspage", why: reach.statuspage ? null : NO_STATUSPAGE }]
        : []),
    ],
  };
}

const NO_MAIL = "no mail server is configured (SMTP_URL)";
const NO_STATUSPAGE = "no key is configured (STATUSPAGE_API_KEY)";

function placeWords(place: string): string {
  if (place === "incident") return "the incident's channel";
  return place === "announce" ? "where it was announced" : `<#${place}>`;
}

function carried(field: Field, template: Template, { comms }: IncidentState): string | null {
  if (!field.carries) return null;
  const said = comms.updates.filter(({ fields }) => (fields[field.name] ?? "") !== "");
  const last = said.findLast(({ audience }) => audience === template.audience) ?? said.findLast(outside(template));
  return last?.fields[field.name] ?? null;
}

/** What customers were told may be told again; what responders were told is not offered to customers. */
function outside(template: Template) {
  const isOutside = (audience: string) => audience === "customers" || audience === "status-page";
  return ({ audience }: { audience: string }) => isOutside(audience) || !isOutside(template.audience);
}

function offered({ prefill }: Field, facts: Facts): string {
  return prefill === null ? "" : lineOf(render(prefill, facts));
}

/** Set before everything that is not for real, so that no one takes it for real. */
function noticeOf({ declared }: IncidentState, practice: boolean): { mark: string; says: string } | null {
  if (practice) return { mark: "PRACTICE", says: "This is practice. Nothing real is affected." };
  return declared?.kind === "drill" ? { mark: "DRILL", says: "This is a drill. Nothing is really broken." } : null;
}

function noticed(says: string): RichText[number] {
  return { kind: "paragraph", lines: [[{ text: says, bold: true }]] };
}

const IMPACT = { P0: "critical", P1: "major", P2: "minor", P3: "none" } as const;
const OUTAGE = {
  P0: "major_outage",
  P1: "partial_outage",
  P2: "degraded_performance",
  P3: "degraded_performance",
} as const;

/** Only what someone set out to recover is known to be touched. */
function componentsNow(state: IncidentState, moment: Moment): NonNullable<PostedUpdate["page"]>["components"] {
  const touched = [...state.runs.values()].flatMap(({ plan, dryRun }) => (dryRun ? [] : (plan.component ?? [])));
  const over = pageStatus(state, moment) === "resolved";
  const status = over ? "operational" : moment === "degraded" ? "degraded_performance" : OUTAGE[state.severity];
  return [...new Set(touched)].map((component) => ({ component, status }));
}

function pageStatus({ status }: IncidentState, moment: Moment): NonNullable<PostedUpdate["page"]>["status"] {
  if (status === "resolved" || status === "closed" || moment === "resolution") return "resolved";
  return status === "mitigating" ? "identified" : status;
}
