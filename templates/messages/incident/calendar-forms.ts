import type { Occasion } from "../../../src/catalog/types.ts";
import { LIMITS } from "../../../src/incident/decide/words.ts";
import { section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import { momentInput, REASON, textInput } from "../kit/form.ts";
import type { Form } from "../kit/message.ts";

export function calendarDoneForm({ title }: Occasion, actionValue: string, reader: string): Form {
  return {
    callback: "calendar.done",
    title: "Done",
    submit: "Record",
    actionValue,
    blocks: [
      section(`*${safe(title)}* took place.`),
      textInput("people", "Who took part", {
        initial: reader,
        hint: "Names as on the roster, with commas between them.",
      }),
      textInput("note", "Notes", { ...REASON, optional: true, length: LIMITS.reason }),
    ],
  };
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
