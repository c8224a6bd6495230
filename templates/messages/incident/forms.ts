import type { System } from "../../../src/catalog/types.ts";
import { LIMITS } from "../../../src/incident/decide/words.ts";
import { canAct } from "../../../src/incident/people.ts";
import { actionValue, parseActionValue } from "../kit/action-value.ts";
import { type Button, context, section } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import { checkInput, choiceInput, dateInput, momentInput, REASON, textInput } from "../kit/form.ts";
import type { Form } from "../kit/message.ts";
import { contactLines, declareWhenLines } from "./contacts.ts";

/** Forms of an incident, each taken up by the command its `callback` names. A title holds 24 characters. */

export function declareForm(
  systems: readonly System[],
  actionValue: string,
  initial: { title?: string; severity?: string | undefined; private?: boolean } = {},
): Form {
  const severities = [...new Map(systems.flatMap((system) => system.severities).map((one) => [one.id, one])).values()];
  const ids = severities.length > 0 ? severities : DEFAULT_SEVERITIES;
  return {
    callback: "declare",
    title: "Declare an incident",
    submit: "Declare",
    actionValue,
    blocks: [
      textInput("title", "What's wrong, in one line", {
        placeholder: "Orders can't be placed",
        length: LIMITS.title,
        ...(initial.title && { initial: initial.title }),
      }),
      choiceInput(
        "system",
        "System",
        systems.map(({ id, title }) => ({ value: id, says: title })),
        systems[0] && systems.length === 1 ? { initial: systems[0].id } : {},
      ),
      choiceInput(
        "severity",
        "Severity",
        ids.map(({ id, title }) => ({ value: id, says: title === id ? id : `${id}: ${title}` })),
        { initial: ids.find(({ id }) => id === initial.severity?.toUpperCase())?.id ?? "P1" },
      ),
      momentInput("impact", "Impact start", {
        optional: true,
        hint: "In your time zone, if known: the RTO counts from here. Empty: from now.",
      }),
      ...declareRules(systems),
      checkInput("private", "Who can see it", { value: "private", says: "Private: only its members" }, initial.private),
    ],
  };
}

export function severityForm(actionValue: string, system: System, now: string): Form {
  return {
    callback: "severity",
    title: "Change the severity",
    submit: "Change",
    actionValue,
    blocks: [
      choiceInput(
        "severity",
        "Severity",
        system.severities.map(({ id, title }) => ({ value: id, says: title === id ? id : `${id}: ${title}` })),
        { initial: now },
      ),
      textInput("reason", "Why", { ...REASON, hint: "Posted in the channel with your name." }),
    ],
  };
}

/** Where no post-mortem was drafted. */
export function closeForm(actionValue: string): Form {
  return {
    callback: "close",
    title: "Close the incident",
    submit: "Close",
    actionValue,
    blocks: [
      section("No post-mortem was drafted. Draft one with `/dr postmortem`, or say why there is none."),
      textInput("reason", "Why there is no post-mortem", REASON),
    ],
  };
}

export function actionForm(
  people: readonly { readonly id: string; readonly name: string }[],
  actionValue: string,
): Form {
  return {
    callback: "action",
    title: "Add an action item",
    submit: "Add",
    actionValue,
    blocks: [
      textInput("text", "What is to be done", { length: LIMITS.reason }),
      choiceInput(
        "owner",
        "Owner",
        people.map(({ id, name }) => ({ value: id, says: name })),
        { optional: true },
      ),
      dateInput("due", "Due", { optional: true, hint: "The owner is reminded that morning, 08:00 UTC." }),
      textInput("link", "Link", { optional: true, length: LIMITS.link, placeholder: "https://…" }),
    ],
  };
}

export function noteForm(actionValue: string, initial: { text?: string } = {}): Form {
  return {
    callback: "note",
    title: "Add to the timeline",
    submit: "Add note",
    actionValue,
    blocks: [
      textInput("text", "What happened", {
        ...{ many: true, length: LIMITS.note },
        ...(initial.text && { initial: initial.text }),
      }),
      momentInput("at", "When it happened", { optional: true, hint: "In your time zone. Empty: now." }),
    ],
  };
}

export function roleForm(actionValue: string, system: System): Form {
  const roles = system.roles.filter(({ perIncident }) => perIncident);
  return {
    callback: "role",
    title: "Take or assign a role",
    submit: "Assign",
    actionValue,
    blocks: [
      choiceInput(
        "role",
        "Role",
        roles.map(({ id, title }) => ({ value: id, says: title })),
      ),
      choiceInput(
        "person",
        "Who",
        system.people.filter(canAct).map(({ id, name }) => ({ value: id, says: name })),
        { optional: true, hint: "Left empty: you." },
      ),
      textInput("note", "What they should know", { ...REASON, optional: true }),
    ],
  };
}

/** `callback`: the press it answers, which may have been to resolve although a move is on probation. */
/** @param typed what was typed before; null: nothing */
export function resolveForm(incident: string, callback = "resolve", typed: string | null = null): Form {
  return {
    callback: callback === "incident.resolve" ? "resolve" : callback,
    title: "Resolve the incident",
    submit: "Resolve",
    actionValue: incident,
    blocks: [
      textInput("summary", "What ended it", {
        many: true,
        optional: true,
        ...(typed !== null && { initial: typed }),
        hint: "Shown at the top of the post-mortem.",
      }),
    ],
  };
}

/** Slack keeps 2000 characters of a button's value. */
const CARRIED_BYTES = 1300;

/** Below the refusal to resolve while a move is on probation. What was typed for it comes back in the form. */
export function resolveAnyway(verb: string, incident: string, summary: string | null): Button {
  const typed = Buffer.from(summary ?? "")
    .subarray(0, CARRIED_BYTES)
    .toString("base64url");
  return { label: "Resolve anyway", verb, actionValue: actionValue(incident, ...(typed === "" ? [] : [typed])) };
}

/** What `resolveAnyway` carries. */
export function summaryIn(value: string | null): string | null {
  const [typed = ""] = parseActionValue(value).about;
  return wholeCharacters(Buffer.from(typed, "base64url").toString("utf8")) || null;
}

/** Without what is left of a character whose bytes were cut. */
function wholeCharacters(text: string): string {
  let end = text.length;
  while (text[end - 1] === "\ufffd") end -= 1;
  return text.slice(0, end);
}

/** When an incident is declared, and whom to turn to where it is none: of one system, or of each by name. */
function declareRules(systems: readonly System[]): Form["blocks"] {
  const several = systems.length > 1;
  const rules = systems.flatMap((system) => {
    const lines = declareWhenLines(system);
    return lines.length === 0
      ? []
      : [`*${several ? `${safe(system.title)}: declare when` : "Declare when"}*`, ...lines];
  });
  const contacts = several ? [] : systems[0] ? contactLines(systems[0]) : [];
  const all = [...rules, ...(contacts.length > 0 ? ["*Not sure? Ask*", ...contacts] : [])];
  return all.length === 0 ? [] : [context(cut(all.join("\n"), 1900))];
}

const DEFAULT_SEVERITIES = (["P0", "P1", "P2", "P3"] as const).map((id) => ({ id, title: id }));
