import { allOf, oneOf } from "../../../src/incident/people.ts";
import type { CommsRefusal } from "../../../src/incident/refusal/comms.ts";
import type { WordsOf } from "../kit/refusal-words.ts";

/** What isn't told to people, or not by this person, or not now. */
export const COMMS_REFUSALS: WordsOf<CommsRefusal> = {
  "not-telling": ({ able }) => ({
    what: "Only the comms lead and the incident commander send updates",
    allowed: able.length === 0 ? "No one holds these roles yet" : `${oneOf(able)} may do it`,
    next: "Ask them, or take the role if it is yours: `/dr role take comms-lead`",
  }),
  "update-private": () => ({
    what: "This incident is private: updates go to its channel only",
    allowed: "Responders may be told, in its channel",
  }),
  "update-unfitting": ({ audience, moment, status, drill, fitting }) => ({
    what: drill
      ? `This is a drill, so ${AUDIENCES[audience]} aren't told`
      : `The incident is ${status}, so "${moment}" isn't true now`,
    allowed: fitting.length === 0 ? "Responders and executives may be told" : `True now: ${allOf(fitting)}`,
    ...(moment === "resolution" ? { next: "Resolve it first: `/dr resolve`" } : {}),
  }),
  "due-unknown": () => ({ what: "No update is due here" }),
  "snooze-length": ({ minutes, most }) => ({
    what: `A reminder can't be snoozed by ${minutes} minutes`,
    allowed: `Choose 1 to ${most} minutes. The update stays due`,
  }),
};

const AUDIENCES = {
  responders: "responders",
  executives: "executives",
  customers: "customers",
  "status-page": "readers of the status page",
} as const;
