import { actionValue } from "../kit/action-value.ts";
import { actions, context, divider, lines } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import { type Choice, choiceInput, momentInput, textInput } from "../kit/form.ts";
import type { Form } from "../kit/message.ts";

/** What the form of an update is drawn from; `values` is what stands in its fields now. */
export interface UpdateDraft {
  readonly incident: string;
  readonly choices: readonly Choice[];
  readonly template: string;
  readonly fields: readonly {
    readonly name: string;
    readonly label: string;
    readonly describes: string;
    readonly required: boolean;
    readonly many: boolean;
    readonly value: string;
    /** Chosen in the reader's own zone, beginning with this; absent: it is typed. */
    readonly moment?: Date | null;
  }[];
  readonly destinations: readonly { readonly to: string; readonly why: string | null }[];
  /** mrkdwn where Slack shows it; else plain text. */
  readonly preview: { readonly slack: string } | { readonly subject: string; readonly text: string };
  readonly missing: readonly string[];
}

/** The field of this name, in what comes back. Another template's field of the same name keeps what was typed. */
export function fieldId(name: string): string {
  return `field-${name}`;
}

/** Choose, fill in, see it as its readers will, send. Choosing and pressing Enter draw it again; sending sends what is there. */
export function updateForm(draft: UpdateDraft): Form {
  const { choices, template, fields, destinations, missing } = draft;
  return {
    callback: "update",
    title: "Send an update",
    submit: "Send",
    actionValue: actionValue(draft.incident),
    blocks: [
      choiceInput("template", "To whom, and what about", choices, { initial: template, tells: PREVIEW }),
      ...fields.map(fieldInput),
      divider,
      ...lines([`*Preview* · ${destinationWords(destinations)}`]),
      ...(missing.length > 0 ? [context(`Not filled in yet: ${missing.map(safe).join(", ")}`)] : []),
      ...shown(draft.preview),
      actions({
        label: "Refresh the preview",
        verb: PREVIEW,
        detail: "refresh",
        actionValue: actionValue(draft.incident),
      }),
    ],
  };
}

function fieldInput({ name, label, describes, required, many, value, moment }: UpdateDraft["fields"][number]) {
  const shared = { optional: !required, hint: describes };
  if (moment !== undefined)
    return momentInput(fieldId(name), label, { ...shared, tells: PREVIEW, ...(moment && { initial: moment }) });
  const typed = { ...shared, many, initial: value, length: 1500 };
  return textInput(fieldId(name), label, { ...typed, ...(!many && { tells: PREVIEW }) });
}

/** The verb that draws the form again from what is in it. */
export const PREVIEW = "update.preview";

function shown(preview: UpdateDraft["preview"]) {
  if ("slack" in preview) return lines(quoted(preview.slack.split("\n")));
  return lines([`*${safe(preview.subject)}*`, ...quoted(preview.text.trim().split("\n").map(safe))]);
}

function quoted(said: readonly string[]): string[] {
  return said.map((line) => `> ${line}`);
}

function destinationWords(destinations: UpdateDraft["destinations"]): string {
  if (destinations.length === 0) return "⚠️ no one would get this: see `comms:` in system.yml";
  return destinations.map(({ to, why }) => (why === null ? to : `⚠️ not by ${to}: ${safe(cut(why, 120))}`)).join(" · ");
}
