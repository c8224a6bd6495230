import type { Runbook, System } from "../../src/catalog/types.ts";
import { LIMITS } from "../../src/incident/decide/words.ts";
import { context, section } from "./blocks.ts";
import { contactLines, declareWhenLines } from "./contacts.ts";
import { cut, safe } from "./escape.ts";
import { checkInput, choiceInput, dateInput, momentInput, textInput } from "./form.ts";
import { inputFields } from "./inputs.ts";
import type { Form } from "./message.ts";
import { qrCode } from "./qr.ts";

/** The forms, each taken up by the command its `callback` names. A title holds 24 characters. */

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

export function failoverForm(
  runbooks: readonly { readonly system: string; readonly id: string; readonly title: string }[],
): Form {
  return {
    callback: "failover",
    title: "Start a failover",
    submit: "Run preflight",
    actionValue: "",
    blocks: [
      section("Preflight checks run first, then people approve. Nothing changes until then."),
      choiceInput(
        "runbook",
        "What to fail over",
        runbooks.map(({ system, id, title }) => ({ value: `${system}/${id}`, says: `${title} (${system})` })),
        runbooks.length === 1 ? { initial: `${runbooks[0]?.system}/${runbooks[0]?.id}` } : {},
      ),
      choiceInput(
        "mode",
        "Mode",
        [
          { value: "planned", says: "Planned: no data loss" },
          { value: "unplanned", says: "Unplanned: fence the old side, data loss possible" },
        ],
        { initial: "planned" },
      ),
      choiceInput(
        "how",
        "How far",
        [
          { value: "run", says: "Run it once approved" },
          { value: "dry-run", says: "Dry run: checks only, no changes" },
        ],
        { initial: "run" },
      ),
    ],
  };
}

export function reasonForm(callback: string, title: string, submit: string, actionValue: string, says: string): Form {
  return {
    callback,
    title: cut(title, 24),
    submit: cut(submit, 24),
    actionValue,
    blocks: [section(safe(says)), textInput("reason", "Reason", REASON)],
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

export function confirmForm(actionValue: string, step: string): Form {
  return {
    callback: "step.confirm",
    title: "Manual step",
    submit: "Mark done",
    actionValue,
    blocks: [
      section(safe(step)),
      textInput("note", "What was done, and the result", {
        ...REASON,
        optional: true,
        hint: "Kept on the timeline as evidence.",
      }),
    ],
  };
}

/** What an authenticator shows now: six digits, good once. */
export const code = (label = "Authenticator code") => textInput("code", label, { placeholder: "123456", length: 12 });

/** Fields with codes. They're good once, so a form that is shown again doesn't show them. */
export const CODE_FIELDS: readonly string[] = ["code", "current"];

/** `lines`: what is about to be decided, for mrkdwn. */
export function proveForm(
  callback: string,
  title: string,
  submit: string,
  actionValue: string,
  lines: readonly string[],
  reason: "none" | "needed" = "none",
): Form {
  return {
    callback,
    title: cut(title, 24),
    submit: cut(submit, 24),
    actionValue,
    blocks: [
      section(lines.join("\n")),
      ...(reason === "needed" ? [textInput("reason", "Reason", REASON)] : []),
      code(),
    ],
  };
}

/**
 * What an authenticator is given: to scan, to copy, to open. Each is a code block of its own, so that one double click or one long
 * press takes all of it; Slack has no button that copies, and an input's value would come back to us and be stored.
 */
export function enrollLines(secret: string, uri: string): readonly [scan: string, copy: string] {
  return [
    `Scan this with your authenticator app. It's shown once, and only to you.\n\`\`\`${qrCode(uri)}\`\`\``,
    [
      "No camera? Copy this key into the app (time-based, six digits):",
      `\`\`\`${secret}\`\`\``,
      "Or open this link on the phone that has the app:",
      `\`\`\`${uri.replace(/&/g, "&amp;")}\`\`\``,
    ].join("\n"),
  ];
}

/** The secret is in this form, for one pair of eyes, and nowhere else. */
export function enrollForm(secret: string, uri: string, replaces: boolean): Form {
  return {
    callback: "enroll",
    title: "Set up authenticator",
    submit: "Confirm",
    actionValue: "",
    blocks: [
      ...enrollLines(secret, uri).map(section),
      section("Then enter the code it shows. Approvals that need it will ask for one."),
      ...(replaces
        ? [textInput("current", "Code of your current authenticator", { placeholder: "123456", length: 12 })]
        : []),
      code(replaces ? "Code of the new authenticator" : undefined),
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
        system.people.map(({ id, name }) => ({ value: id, says: name })),
        { optional: true, hint: "Left empty: you." },
      ),
      textInput("note", "What they should know", { ...REASON, optional: true }),
    ],
  };
}

export function delegateForm(
  actionValue: string,
  roles: readonly { readonly id: string; readonly title: string }[],
  people: readonly { readonly id: string; readonly name: string }[],
): Form {
  return {
    callback: "delegate",
    title: "Delegate a role",
    submit: "Delegate",
    actionValue,
    blocks: [
      section("They decide in your place for a while. Together you count once, and they can't delegate it further."),
      choiceInput(
        "role",
        "Your role",
        roles.map(({ id, title }) => ({ value: id, says: title })),
        roles[0] && roles.length === 1 ? { initial: roles[0].id } : {},
      ),
      choiceInput(
        "person",
        "To",
        people.map(({ id, name }) => ({ value: id, says: name })),
      ),
      choiceInput("for", "For how long", LENDING_TIMES, { initial: "2h" }),
      textInput("reason", "Why", { optional: true, length: LIMITS.reason }),
    ],
  };
}

export function questionForm(actionValue: string, what: string): Form {
  return {
    callback: "gate.ask",
    title: "Ask a question",
    submit: "Ask",
    actionValue,
    blocks: [
      section(safe(what)),
      textInput("question", "What do you need to know?", {
        ...REASON,
        hint: "The requester is asked in the run's thread. The approval stays open.",
      }),
    ],
  };
}

export function answerForm(actionValue: string, question: string): Form {
  return {
    callback: "gate.answer",
    title: "Answer",
    submit: "Answer",
    actionValue,
    blocks: [section(safe(question)), textInput("answer", "Answer", REASON)],
  };
}

export function reviewForm(actionValue: string, what: string): Form {
  return {
    callback: "glass.review",
    title: "Review a break-glass",
    submit: "Complete review",
    actionValue,
    blocks: [
      section(safe(what)),
      textInput("finding", "What you found", {
        many: true,
        hint: "Was the override right? Who should have been reachable?",
      }),
    ],
  };
}

export function replanForm(
  actionValue: string,
  says: string,
  runbook: Runbook,
  mode: string,
  kept: ReadonlyMap<string, unknown>,
): Form {
  return {
    callback: "run.replan",
    title: "Change the plan",
    submit: "Abort and replan",
    actionValue,
    blocks: [
      section(safe(says)),
      choiceInput(
        "mode",
        "Mode",
        runbook.modes.map((one) => ({
          value: one,
          says: one === "planned" ? "Planned: no data loss" : "Unplanned: fence the old side, data loss possible",
        })),
        { initial: mode },
      ),
      ...inputFields(runbook, new Map([...kept].map(([name, value]) => [name, String(value)]))),
      textInput("reason", "What changed", REASON),
    ],
  };
}

export function resolveForm(actionValue: string): Form {
  return {
    callback: "resolve",
    title: "Resolve the incident",
    submit: "Resolve",
    actionValue,
    blocks: [
      textInput("summary", "What ended it", {
        many: true,
        optional: true,
        hint: "Shown at the top of the post-mortem.",
      }),
    ],
  };
}

/** A reason as the record keeps it: what is longer would be cut. */
const REASON = { many: true, length: LIMITS.reason } as const;

/** A day is the longest a role may be delegated. */
const LENDING_TIMES = [
  { value: "30m", says: "30 minutes" },
  ...[1, 2, 4, 8, 12].map((hours) => ({ value: `${hours}h`, says: hours === 1 ? "1 hour" : `${hours} hours` })),
  { value: "24h", says: "1 day" },
];

const DEFAULT_SEVERITIES = (["P0", "P1", "P2", "P3"] as const).map((id) => ({ id, title: id }));
