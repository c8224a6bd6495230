import type { Facts } from "./facts.ts";

/** The same shape with a description in the place of every value; a list stands as one entry. */
type Described<T> = T extends readonly (infer E)[]
  ? readonly [Described<E>]
  : T extends object
    ? { readonly [Key in keyof T]-?: Described<NonNullable<T[Key]>> }
    : string;

/** What a report's template may name. Lint holds templates against it, and `docs/post-mortem.md` shows it. */
export const factNames: Described<Facts> = {
  report: "Post-mortem, Drill report or Maintenance report",
  kind: "incident, drill or maintenance",
  practice: "true: nothing of it was real",
  title: "as it was declared",
  incident: "its id",
  system: "what the system is called",
  severity: "P0 to P3",
  severityTitle: "what that means in this system",
  status: "resolved or closed",
  day: "the day it began, on the system's calendar: 2026-11-21",
  zone: "the system's time zone, or nothing where it has none",
  occasion: "the calendar entry a drill is held for, or nothing",
  heldOn: "what a drill was held on, or nothing",
  declared: "when it was declared, or began",
  declaredBy: "who declared it",
  impactStarted: "when the impact began, or nothing",
  resolved: "when it was resolved, or nothing",
  duration: "from the start of the impact, else the declaration, to the resolution, or nothing",
  summary: "what `/dr resolve` said, or nothing",
  narrative: ["the record in sentences"],
  roles: [{ role: "a role taken in it", who: "who held it last" }],
  measures: [
    { what: "a figure of the impact", value: "as measured, or `not measured`", how: "its method", event: "its event" },
  ],
  loss: { answer: "Yes, No or Not measured", says: "how much data was lost", method: "how that was measured" },
  detection: [{ says: "how it came to be known, a sentence", event: "its event, or nothing" }],
  communication: [{ says: "whom was told, a sentence", event: "its event, or nothing" }],
  moments: {
    detected: "when it was declared, as HH:MM; `HH:MM` itself, to fill in, where a moment isn't recorded",
    notified: "when the first people were paged or told",
    cause: "when the status became identified",
    fixed: "when the last step that gives service back was done",
    restored: "when the recovery was verified",
    resolved: "when it was resolved",
  },
  runs: [
    {
      id: "of a run that was to change something",
      title: "what it does",
      target: "what it changes, from where to where",
      mode: "Planned or Unplanned",
      requester: "who requested it",
      outcome: "how it ended",
      again: "why the same was moved again within the hour, or nothing",
      probation: "how the new side was seen to be after a move, and who committed to it, or nothing",
      noStandby: "since when nothing follows the active side, or nothing",
      stateThen: "what it left, where it ended early, or nothing",
      after: "true: requested when service was back",
      took: "from the request to the end",
      countsFrom: "what the RTO counts from",
      rto: "as measured",
      rtoObjective: "as promised",
      rtoVerdict: "met, missed or not judged",
      rpo: "as measured",
      rpoObjective: "as promised",
      rpoVerdict: "met, missed or not judged",
      rpoMethod: "how the loss was measured",
      unfenced: [{ server: "it went on without fencing it", acceptedBy: "who accepted that" }],
      total: "what the parts sum to",
      phases: [{ says: "a part of the time", length: "how long", percent: "of the whole" }],
      picture: "the file of its picture, or nothing",
      pictureSays: "what the picture shows, in words",
      stages: [{ title: "a stage with a time", took: "how long", given: "its time", verdict: "in time or late" }],
    },
  ],
  dryRuns: [{ title: "of a dry run", mode: "planned or unplanned", requester: "who", outcome: "how it ended" }],
  decisions: [
    {
      at: "when",
      who: "who decided",
      role: "as what, or empty",
      decision: "approved, denied, skipped …",
      about: "the run and its step",
      why: "the reason, or empty",
      waited: "how long it had been waited for, or empty",
      event: "its event",
    },
  ],
  items: [
    {
      what: "an action item people added",
      owner: "whose it is",
      due: "until when",
      state: "open, or when it was done",
      link: "where it is tracked, or empty",
    },
  ],
  suggested: [{ what: "what the record says is to be done", why: "the fact", event: "its event, or nothing" }],
  timeline: [
    {
      utc: "when, with its date where it isn't on `day`",
      local: "the same on the system's clocks, or nothing",
      later: "true: recorded later than it happened",
      who: "who",
      what: "what happened",
      event: "its event",
    },
  ],
  refusals: [{ at: "when", who: "who was refused", what: "what", times: "how often", event: "the first event" }],
  versions: "how many events there are",
  lastHash: "the last one's hash, or nothing",
};
