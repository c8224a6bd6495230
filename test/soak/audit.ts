import { type Audited, audit, type Complaint } from "../support/auditor.ts";
import type { Diary } from "./diary.ts";
import type { Statement } from "./statement-log.ts";

/** The store's clock was ahead of this machine's by this much from then on, milliseconds; `from`: by the store's clock. */
export interface Ahead {
  readonly from: number;
  readonly by: number;
}

export interface Evidence {
  readonly on: Audited;
  readonly statements: readonly Statement[];
  readonly ahead: readonly Ahead[];
  readonly notes: Diary["notes"];
  /** Bodies of what the inbox holds. */
  readonly heard: readonly string[];
  /** What each account alone was told. */
  readonly toldTo: (user: string) => readonly Answer[];
}

/** `at`: milliseconds since 1970. */
export interface Answer {
  readonly at: number;
  readonly says: string;
}

interface Plan {
  readonly resources: readonly string[];
  readonly stages: readonly {
    readonly steps: readonly { readonly id: string; readonly action?: string; readonly input?: unknown }[];
  }[];
}
interface Intent {
  readonly name: string;
  readonly at: number;
  readonly action: string;
  readonly port: number;
}

/** Which statement each action sends, and which part of its input names the server. */
const SENDS: Readonly<Record<string, readonly [Statement["what"], "to" | "node"]>> = {
  "postgres.promote": ["promote", "to"],
  "postgres.fence": ["fence", "node"],
};
const ENDINGS = ["run.verified", "run.aborted", "run.failed"];
/** Two clocks of one machine, and the way to the server. */
const SKEW_MS = 100;
const FOREVER = Number.POSITIVE_INFINITY;

/** I1–I8 and I10–I12 of docs/testing.md, held against what the servers, the store and Slack hold. It shares no code with the sources. */
export function auditSoak(evidence: Evidence): readonly Complaint[] {
  return [...audit(evidence.on), ...once(evidence), ...auditNotes(evidence), ...exclusive(evidence.on)];
}

/** I1: a server was told nothing that no intent of its own stands before. */
function once({ on, statements, ahead }: Evidence): Complaint[] {
  const intents = intentsIn(on, ahead);
  const used = new Set<string>();
  return statements
    .toSorted((one, other) => one.at - other.at)
    .flatMap(({ what, node, port, at }) => {
      const own = intents
        .filter((intent) => SENDS[intent.action]?.[0] === what && intent.port === port)
        .filter((intent) => intent.at <= at + SKEW_MS && !used.has(intent.name))
        .at(-1);
      if (own === undefined)
        return [{ invariant: "I1", says: `${node} was told to ${what} without an intent of its own` }];
      used.add(own.name);
      return [];
    });
}

function intentsIn(on: Audited, ahead: readonly Ahead[]): readonly Intent[] {
  const real = (at: number) => at - (ahead.findLast(({ from }) => from <= at)?.by ?? 0);
  return [...on.database.runs.values()]
    .flatMap((run) => {
      const steps = new Map(
        planOf(on, run.planHash).stages.flatMap((stage) => stage.steps.map((step) => [step.id, step])),
      );
      return eventsOf(on, run).flatMap((event): Intent[] => {
        if (event.type !== "step.intended") return [];
        const step = steps.get(String((JSON.parse(event.data) as { step: string }).step));
        const [, server] = SENDS[step?.action ?? ""] ?? [];
        if (step?.action === undefined || server === undefined) return [];
        const { port } = (step.input as Record<string, { port: number }>)[server] ?? { port: 0 };
        return [{ name: `${event.stream}/${event.version}`, at: real(event.at.getTime()), action: step.action, port }];
      });
    })
    .sort((one, other) => one.at - other.at);
}

/** What a command that could not be written down is acknowledged with. */
const NOT_WRITTEN_DOWN = /could not write this down/;
const NOTED = /^Noted on the timeline/;

/** I3: what Slack was told was kept is on a timeline once, or its author was told why it isn't. */
export function auditNotes({
  on,
  notes,
  heard,
  toldTo,
}: Pick<Evidence, "on" | "notes" | "heard" | "toldTo">): Complaint[] {
  const texts = [...on.database.streams.values()].flatMap(({ events }) =>
    events.filter(({ type }) => type === "incident.noted").map(({ data }) => data),
  );
  const times = (mark: string) => texts.filter((data) => data.includes(mark)).length;
  const left = new Map(
    [...new Set(notes.map(({ user }) => user))].map((user) => [
      user,
      toldTo(user).toSorted((one, other) => one.at - other.at),
    ]),
  );
  return notes.flatMap(({ mark, user, at, acknowledgedAt }) => {
    if (times(mark) > 1) return [{ invariant: "I3", says: `The note ${mark} stands there ${times(mark)} times` }];
    if (times(mark) === 1) return [];
    const answers = left.get(user) ?? [];
    if (answers.some(({ says }) => NOTED.test(says) && says.includes(mark)))
      return [{ invariant: "I3", says: `${user} was told that ${mark} is noted, and it stands nowhere` }];
    // Its row may come in late all the same, and is then left undone: so this comes before the inbox.
    const refused = answers.findIndex(
      (told) => NOT_WRITTEN_DOWN.test(told.says) && told.at >= at - SKEW_MS && told.at <= acknowledgedAt + SKEW_MS,
    );
    if (refused === -1 && !heard.some((body) => body.includes(mark)))
      return [{ invariant: "I3", says: `The note ${mark} of ${user} was acknowledged, and was never in the inbox` }];
    // The first word to them alone after that which isn't about a note before.
    const own =
      refused === -1 ? answers.findIndex((told) => told.at >= at - SKEW_MS && !NOTED.test(told.says)) : refused;
    if (own === -1) return [{ invariant: "I3", says: `The note ${mark} of ${user} was heard, and stands nowhere` }];
    answers.splice(own, 1);
    return [];
  });
}

/** I8: no two runs hold the same thing at a time. */
function exclusive(on: Audited): Complaint[] {
  const held = [...on.database.runs.values()].flatMap((run) => {
    const events = eventsOf(on, run);
    const requested = events.find(({ type }) => type === "run.requested");
    if (requested === undefined || (JSON.parse(requested.data) as { dryRun?: boolean }).dryRun === true) return [];
    const ended = events.find(({ type }) => ENDINGS.includes(type));
    const { resources } = planOf(on, run.planHash);
    return [{ id: run.id, resources, from: requested.at.getTime(), to: ended?.at.getTime() ?? FOREVER }];
  });
  return held.flatMap((one, n) =>
    held.slice(n + 1).flatMap((other) => {
      const both = one.resources.find((resource) => other.resources.includes(resource));
      const together = one.from < other.to && other.from < one.to;
      return both !== undefined && together
        ? [{ invariant: "I8", says: `${one.id} and ${other.id} both held ${both}` }]
        : [];
    }),
  );
}

function planOf(on: Audited, hash: string): Plan {
  return JSON.parse(Buffer.from(on.database.plans.get(hash) ?? []).toString("utf8")) as Plan;
}

function eventsOf(on: Audited, run: { readonly id: string; readonly stream: string }) {
  return on.database.streams.get(run.stream)?.events.filter((event) => event.run === run.id) ?? [];
}
