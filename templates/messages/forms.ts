import type { System } from "../../src/catalog/types.ts";
import { section } from "./blocks.ts";
import { cut, safe } from "./escape.ts";
import { choiceInput, textInput } from "./form.ts";
import type { Form } from "./message.ts";

/** The forms, each taken up by the command its `callback` names. A title holds 24 characters. */

export function declareForm(systems: readonly System[], carries: string, initial: { title?: string } = {}): Form {
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
        { initial: "P1" },
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

export function denyForm(carries: string, what: string): Form {
  return {
    callback: "gate.deny",
    title: "Deny",
    submit: "Deny",
    carries,
    blocks: [section(safe(what)), textInput("reason", "Reason", { many: true, optional: true })],
  };
}

export function roleForm(carries: string, system: System): Form {
  return {
    callback: "role",
    title: "Take a role",
    submit: "Take it",
    carries,
    blocks: [
      choiceInput(
        "role",
        "Role",
        system.roles.filter(({ perIncident }) => perIncident).map(({ id, title }) => ({ value: id, says: title })),
      ),
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
