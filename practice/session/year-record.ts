import type { StoredEvent } from "../../src/timeline/contract.ts";
import type { Message } from "../slack/index.ts";

/** What a year came to, counted from its record. */
export interface YearCounts {
  readonly events: number;
  readonly streams: number;
  readonly announced: number;
  readonly reminded: number;
  readonly started: number;
  readonly done: number;
  readonly missed: number;
  /** Proofs that had expired when they were made again. */
  readonly expired: number;
  readonly readinessChanges: number;
  readonly seatsAsked: number;
  readonly seatsSilent: number;
  readonly alerts: number;
  readonly committed: number;
  readonly failedBack: number;
  readonly remindedActions: number;
  readonly signOffs: number;
  readonly checkpoints: number;
  /** Checkpoints that were seen to stand in a Slack channel. */
  readonly anchored: number;
}

type Recorded = StoredEvent & { readonly stream: string };

export function countsOf(events: readonly Recorded[]): YearCounts {
  const count = (isIt: (event: Recorded) => boolean) => events.filter(isIt).length;
  const typed = (type: string) => count((event) => event.type === type);
  return {
    events: events.length,
    streams: new Set(events.map(({ stream }) => stream)).size,
    announced: typed("occasion.announced"),
    reminded: typed("occasion.reminded"),
    started: typed("occasion.started"),
    done: typed("occasion.done"),
    missed: typed("occasion.missed"),
    expired: count(({ type, data }) => type === "readiness.changed" && "unprovenSince" in (data as object)),
    readinessChanges: typed("readiness.changed"),
    seatsAsked: typed("seats.asked"),
    seatsSilent: typed("seats.silent"),
    alerts: count(({ type }) => type.startsWith("alert.")),
    committed: typed("run.committed"),
    failedBack: count(
      ({ type, data }) => type === "run.requested" && (data as { failsBack?: string }).failsBack != null,
    ),
    remindedActions: typed("action.reminded"),
    signOffs: typed("record.signedOff"),
    checkpoints: typed("checkpoint.made"),
    anchored: count(({ type, data }) => type === "anchor.placed" && (data as { place: string }).place === "slack"),
  };
}

/** What is on the record twice though it happens once, a sentence each; and timelines with a gap. */
export function repeated(events: readonly Recorded[]): readonly string[] {
  const seen = new Map<string, number>();
  for (const event of events) {
    const name = onceName(event);
    if (name !== null) seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  const twice = [...seen].flatMap(([name, times]) => (times > 1 ? [`${name} is recorded ${times} times`] : []));
  const versions = new Map<string, number[]>();
  for (const { stream, version } of events) versions.set(stream, [...(versions.get(stream) ?? []), version]);
  const gaps = [...versions].flatMap(([stream, all]) =>
    all.every((version, at) => version === at + 1) ? [] : [`${stream} has a gap`],
  );
  return [...twice, ...gaps];
}

/** Checkpoints that were made by then and were never seen to stand in Slack, a sentence each. */
export function notAnchored(events: readonly Recorded[], before: Date): readonly string[] {
  const placed = new Set(
    events.flatMap(({ type, data }) => {
      const { checkpoint, place } = data as { checkpoint?: number; place?: string };
      return type === "anchor.placed" && place === "slack" ? [checkpoint] : [];
    }),
  );
  return events
    .filter(({ type, at }) => type === "checkpoint.made" && at <= before)
    .map(({ data }) => (data as { checkpoint: number }).checkpoint)
    .filter((checkpoint) => !placed.has(checkpoint))
    .map((checkpoint) => `Checkpoint ${checkpoint} doesn't stand in Slack`);
}

/** SHA-256 of the checkpoints a channel shows. */
export function checkpointsShown(messages: readonly Pick<Message, "text">[]): readonly string[] {
  return messages.flatMap(({ text }) => /Record checkpoint \d+: `([0-9a-f]{64})`/.exec(text)?.[1] ?? []);
}

/** Events that name people who are told or asked something. */
const NAMES = new Set([
  "seats.asked",
  "seats.silent",
  "occasion.announced",
  "occasion.reminded",
  "occasion.waiting",
  "occasion.missed",
  "gate.summoned",
]);

interface Named {
  readonly people?: readonly string[];
  readonly told?: readonly string[];
  readonly source?: string;
}

/** What was still asked of someone, or told to them alone, after they had left: a sentence each. `person`: their id. */
export function stillAsked(events: readonly Recorded[], person: string, left: Date): readonly string[] {
  return events
    .filter(({ type, at }) => NAMES.has(type) && at > left)
    .filter(({ data }) => {
      const { people = [], told = [], source } = data as Named;
      // What the pager answers is the pager's: such a gate falls through to the next.
      return source !== "pagerduty" && (people.includes(person) || told.includes(person));
    })
    .map(({ type, stream, version }) => `${type} (${stream}, event ${version}) counts on ${person}, who has left`);
}

/** What two processes may both have posted: messages of one name in one place, a sentence each. */
export function shownTwice(messages: readonly Pick<Message, "channel" | "metadata">[]): readonly string[] {
  const seen = new Map<string, number>();
  for (const { channel, metadata } of messages) {
    const { event_payload: payload } = (metadata ?? {}) as { event_payload?: { key?: unknown } };
    if (typeof payload?.key !== "string") continue;
    const name = `${payload.key} in ${channel}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  return [...seen].flatMap(([name, times]) => (times > 1 ? [`Slack shows ${name} ${times} times`] : []));
}

/** Null: it may happen again. */
function onceName({ stream, type, data, run }: Recorded): string | null {
  const said = data as Record<string, unknown>;
  switch (type) {
    case "occasion.announced":
    case "occasion.reminded":
    case "occasion.started":
    case "occasion.missed":
      return `${type} of ${said.occasion}, ${said.slot}`;
    case "occasion.done":
      return `${type} of ${said.occasion}, ${said.slot}, ${said.run}`;
    case "seats.asked":
      return `${type} in ${said.round}`;
    case "seats.paged":
      return `${type} in ${said.round} of ${said.people}`;
    case "seats.confirmed":
      return `${type} in ${said.round} by ${said.person}`;
    // A process that takes a run over begins the step again, in an epoch of its own, and looks before it does anything.
    case "step.started":
      return `${type} of ${run}, ${said.step}, attempt ${said.attempt}, epoch ${said.epoch}`;
    case "run.requested":
    case "run.verified":
    case "run.committed":
      return `${type} of ${run}`;
    // A window that is over, and a later move that takes the place of its run, are two things.
    case "probation.ended":
      return `${type} of ${run}, ${said.moved ? "moved again" : "its time over"}`;
    case "incident.resolved":
    case "record.signedOff":
      return `${type} of ${stream}`;
    case "checkpoint.made":
    case "anchor.placed":
      return `${type} ${said.checkpoint}, ${said.place ?? ""}`;
    case "action.reminded":
      return `${type} of ${stream}, ${said.action}`;
    default:
      return null;
  }
}
