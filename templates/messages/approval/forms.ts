import { LIMITS } from "../../../src/incident/decide/words.ts";
import { section } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import { choiceInput, REASON, textInput } from "../kit/form.ts";
import type { Form } from "../kit/message.ts";
import { qrCode } from "../kit/qr.ts";

/** Forms of approvals, and of proving who decides, each taken up by the command its `callback` names. A title holds 24 characters. */

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

/** What an authenticator shows now: six digits, good once. */
export const code = (label = "Authenticator code") => textInput("code", label, { placeholder: "123456", length: 12 });

/** Fields with codes. They're good once, so a form that is shown again doesn't show them. */
export const CODE_FIELDS: readonly string[] = ["code", "current"];

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

/** `given`: what was typed already. `coded`: a role of theirs decides where a code is requested. */
export function delegateForm(
  actionValue: string,
  roles: readonly { readonly id: string; readonly title: string }[],
  people: readonly { readonly id: string; readonly name: string }[],
  given: { readonly role?: string; readonly to?: string; readonly time?: string; readonly reason?: string | null } = {},
  coded = false,
): Form {
  const [only, ...more] = roles;
  const role = given.role ?? (more.length === 0 ? only?.id : undefined);
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
        role === undefined ? {} : { initial: role },
      ),
      choiceInput(
        "person",
        "To",
        people.map(({ id, name }) => ({ value: id, says: name })),
        given.to === undefined ? {} : { initial: given.to },
      ),
      choiceInput("for", "For how long", timesWith(given.time), { initial: given.time ?? "2h" }),
      textInput("reason", "Why", { optional: true, length: LIMITS.reason, initial: given.reason ?? "" }),
      ...(coded ? [code()] : []),
    ],
  };
}

/** What is attested may be put into other words until the code is given. */
export function signOffForm(actionValue: string, title: string, statement: string): Form {
  return {
    callback: "sign-off",
    title: "Sign off a record",
    submit: "Sign off",
    actionValue,
    blocks: [
      section(`*${safe(title)}*\nYour attestation stands on its timeline and in evidence packs, under your name.`),
      textInput("statement", "What you attest", { many: true, initial: statement, length: LIMITS.reason }),
      code(),
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

/** A day is the longest a role may be delegated. */
/** Also a time that was typed and isn't among them. */
function timesWith(time: string | undefined) {
  const isAmong = time === undefined || DELEGATION_TIMES.some(({ value }) => value === time);
  return isAmong ? DELEGATION_TIMES : [{ value: time, says: time }, ...DELEGATION_TIMES];
}

const DELEGATION_TIMES = [
  { value: "30m", says: "30 minutes" },
  ...[1, 2, 4, 8, 12].map((hours) => ({ value: `${hours}h`, says: hours === 1 ? "1 hour" : `${hours} hours` })),
  { value: "24h", says: "1 day" },
];
