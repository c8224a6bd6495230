import type { Runbook, System } from "../../src/catalog/types.ts";
import { section } from "./blocks.ts";
import { cut, safe } from "./escape.ts";
import { choiceInput, textInput } from "./form.ts";
import { inputFields } from "./inputs.ts";
import type { Form } from "./message.ts";

/** The forms, each taken up by the command its `callback` names. A title holds 24 characters. */

export function declareForm(
  systems: readonly System[],
  carries: string,
  initial: { title?: string; severity?: string | undefined } = {},
): Form {
  const severities = [...new Map(systems.flatMap((system) => system.severities).map((one) => [one.id, one])).values()];
  const ids = severities.length > 0 ? severities : DEFAULT_SEVERITIES;
  return {
    callback: "declare",
    title: "Declare an incident",
    submit: "Declare",
    carries,
    blocks: [
      textInput("title", "What is wrong, in one line", {
        placeholder: "Orders can not be placed",
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
      textInput("impact", "When did users begin to be hurt", {
        optional: true,
        placeholder: "02:41",
        hint: "UTC, if known: the recovery clock counts from here. Empty: it counts from now.",
      }),
    ],
  };
}

export function failoverForm(
  runbooks: readonly { readonly system: string; readonly id: string; readonly title: string }[],
): Form {
  return {
    callback: "failover",
    title: "Start a failover",
    submit: "Look and ask",
    carries: "",
    blocks: [
      section("Every target is looked at first, then approval is asked for. Nothing is changed before."),
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
          { value: "planned", says: "Planned: wait until nothing is lost" },
          { value: "unplanned", says: "Unplanned: fence the old side, accept loss" },
        ],
        { initial: "planned" },
      ),
      choiceInput(
        "how",
        "How far",
        [
          { value: "run", says: "Run it, once approved" },
          { value: "dry-run", says: "Dry run: only look, change nothing" },
        ],
        { initial: "run" },
      ),
    ],
  };
}

export function reasonForm(callback: string, title: string, submit: string, carries: string, says: string): Form {
  return {
    callback,
    title: cut(title, 24),
    submit: cut(submit, 24),
    carries,
    blocks: [section(safe(says)), textInput("reason", "Reason", { many: true })],
  };
}

export function noteForm(carries: string, initial: { text?: string } = {}): Form {
  return {
    callback: "note",
    title: "Add to the timeline",
    submit: "Add note",
    carries,
    blocks: [
      textInput("text", "What happened", { many: true, ...(initial.text && { initial: initial.text }) }),
      textInput("at", "When it happened", { optional: true, placeholder: "02:41", hint: "UTC. Empty: now." }),
    ],
  };
}

export function confirmForm(carries: string, step: string): Form {
  return {
    callback: "step.confirm",
    title: "Done by hand",
    submit: "It is done",
    carries,
    blocks: [
      section(safe(step)),
      textInput("note", "What was done, what was seen", {
        many: true,
        optional: true,
        hint: "Kept on the timeline as evidence.",
      }),
    ],
  };
}

/** Six digits from an authenticator. */
/** What an authenticator shows now. */
export const code = (label = "Code of your authenticator") => textInput("code", label, { placeholder: "123456" });

/** `lines`: what is about to be decided, for mrkdwn. */
export function proveForm(
  callback: string,
  title: string,
  submit: string,
  carries: string,
  lines: readonly string[],
  reason: "none" | "needed" = "none",
): Form {
  return {
    callback,
    title: cut(title, 24),
    submit: cut(submit, 24),
    carries,
    blocks: [
      section(lines.join("\n")),
      ...(reason === "needed" ? [textInput("reason", "Reason", { many: true })] : []),
      code(),
    ],
  };
}

/** The secret is in this form, for one pair of eyes, and nowhere else. */
export function enrollForm(secret: string, uri: string, replaces: boolean): Form {
  const grouped = secret.replace(/.{4}(?=.)/g, "$& ");
  return {
    callback: "enroll",
    title: "Prove who you are",
    submit: "Confirm",
    carries: "",
    blocks: [
      section(
        [
          "Add an entry to your authenticator (a time-based code of six digits) with this key. It is shown this once:",
          `\`${grouped}\``,
          "Authenticators that take an address take this one:",
          `\`${uri.replace(/&/g, "&amp;")}\``,
          "Then type the code it shows. From then on it is asked for where an approval needs it.",
        ].join("\n"),
      ),
      ...(replaces ? [textInput("current", "Code of your present entry", { placeholder: "123456" })] : []),
      code(replaces ? "Code of the new entry" : undefined),
    ],
  };
}

export function roleForm(carries: string, system: System): Form {
  const roles = system.roles.filter(({ perIncident }) => perIncident);
  return {
    callback: "role",
    title: "Take or assign a role",
    submit: "So be it",
    carries,
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
      textInput("note", "What they should know", { many: true, optional: true }),
    ],
  };
}

export function delegateForm(
  carries: string,
  roles: readonly { readonly id: string; readonly title: string }[],
  people: readonly { readonly id: string; readonly name: string }[],
): Form {
  return {
    callback: "delegate",
    title: "Lend a role",
    submit: "Lend it",
    carries,
    blocks: [
      section("Somebody decides in your place for a while. You and they count once, and it can not be lent on."),
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
      textInput("for", "For how long", { placeholder: "2h", initial: "2h", hint: "30m, 2h; a day at most" }),
      textInput("reason", "Why", { optional: true }),
    ],
  };
}

export function questionForm(carries: string, what: string): Form {
  return {
    callback: "gate.ask",
    title: "Ask a question",
    submit: "Ask",
    carries,
    blocks: [
      section(safe(what)),
      textInput("question", "What do you need to know?", {
        many: true,
        hint: "It is put to who asked for the run, in its thread. The decision waits meanwhile.",
      }),
    ],
  };
}

export function answerForm(carries: string, question: string): Form {
  return {
    callback: "gate.answer",
    title: "Answer",
    submit: "Answer",
    carries,
    blocks: [section(safe(question)), textInput("answer", "Answer", { many: true })],
  };
}

export function reviewForm(carries: string, what: string): Form {
  return {
    callback: "glass.review",
    title: "Review a broken glass",
    submit: "It is reviewed",
    carries,
    blocks: [
      section(safe(what)),
      textInput("finding", "What you found", {
        many: true,
        hint: "Was it right to go past the approval? Who should have been reachable?",
      }),
    ],
  };
}

export function replanForm(
  carries: string,
  says: string,
  runbook: Runbook,
  mode: string,
  kept: ReadonlyMap<string, unknown>,
): Form {
  return {
    callback: "run.replan",
    title: "Change the plan",
    submit: "Abort and ask anew",
    carries,
    blocks: [
      section(safe(says)),
      choiceInput(
        "mode",
        "Mode",
        runbook.modes.map((one) => ({
          value: one,
          says:
            one === "planned" ? "Planned: wait until nothing is lost" : "Unplanned: fence the old side, accept loss",
        })),
        { initial: mode },
      ),
      ...inputFields(runbook, new Map([...kept].map(([name, value]) => [name, String(value)]))),
      textInput("reason", "What is different now", { many: true }),
    ],
  };
}

export function resolveForm(carries: string): Form {
  return {
    callback: "resolve",
    title: "Resolve the incident",
    submit: "Resolve",
    carries,
    blocks: [
      textInput("summary", "What ended it", {
        many: true,
        optional: true,
        hint: "Stands at the top of the post-mortem.",
      }),
    ],
  };
}

const DEFAULT_SEVERITIES = (["P0", "P1", "P2", "P3"] as const).map((id) => ({ id, title: id }));
