import type { Occasion } from "../../../src/catalog/types.ts";
import { LIMITS } from "../../../src/incident/decide/words.ts";
import { section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import { CHOICES_MAX, type Choice, choicesInput, momentInput, REASON, textInput } from "../kit/form.ts";
import type { Block, Form } from "../kit/message.ts";

/** @param people of the roster, by id. @param reader who is chosen already; null: no one */
export function calendarDoneForm(
  { title }: Occasion,
  actionValue: string,
  people: readonly Choice[],
  reader: string | null,
): Form {
  return {
    callback: "calendar.done",
    title: "Done",
    submit: "Record",
    actionValue,
    blocks: [
      section(`*${safe(title)}* took place.`),
      whoTookPart(people, reader),
      textInput("note", "Notes", { ...REASON, optional: true, length: LIMITS.reason }),
    ],
  };
}

/** Chosen from the roster; typed where it is longer than one list. */
function whoTookPart(people: readonly Choice[], reader: string | null): Block {
  const label = "Who took part";
  if (people.length > 0 && people.length <= CHOICES_MAX)
    return choicesInput("people", label, people, { initial: reader === null ? [] : [reader] });
  return textInput("people", label, {
    initial: people.find(({ value }) => value === reader)?.says ?? "",
    hint: "Names as on the roster, with commas between them.",
  });
}

export function calendarPostponeForm({ title }: Occasion, actionValue: string): Form {
  return {
    callback: "calendar.postpone",
    title: "Postpone",
    submit: "Postpone",
    actionValue,
    blocks: [
      section(`*${safe(title)}*: the people who were told get the new date.`),
      momentInput("to", "New date"),
      textInput("reason", "Reason", REASON),
    ],
  };
}
