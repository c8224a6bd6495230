import { complaintsOf } from "./independent-verifier.ts";

/**
 * Reads the ledger of the targets, the rows of the store and what Slack shows, and says which of I1–I8 and I10–I12 (docs/testing.md)
 * does not hold. It shares no code with the sources: what it knows of them are the names of events and fields.
 */
export interface Complaint {
  readonly invariant: string;
  readonly says: string;
}

/** As far as the auditor looks into things. Times are milliseconds since the run began, `at` of rows is the true time. */
export interface Audited {
  readonly time: { readonly now: number; readonly epoch: number };
  readonly database: {
    readonly streams: ReadonlyMap<string, StreamText>;
    readonly runs: ReadonlyMap<string, { id: string; stream: string; done: boolean; planHash: string }>;
    readonly plans: ReadonlyMap<string, Uint8Array>;
    readonly inbox: readonly { key: string; doneAt: number | null; attempts: number }[];
    readonly items: readonly ItemText[];
    readonly drawn: ReadonlyMap<string, { version: number }>;
  };
  readonly world: {
    readonly ledger: readonly { at: number; sentAt: number; process: string; action: string; target: string }[];
    /** What each process was shown of a target. Absent: not known, and nothing is asked of it. */
    readonly looks?: readonly { at: number; process: string; target: string; value: string | null }[];
    readonly hung: readonly HungCall[];
    readonly history: readonly { at: number; target: string; value: string }[];
  };
  /** Null: nothing is delivered by Slack or shown in it. */
  readonly slack: {
    readonly hung: readonly HungCall[];
    readonly messages: readonly { channel: string; ts: string; text: string; key: string | null }[];
  } | null;
  /** Letters a mail server accepted, and what monitoring said of alerts and was told was kept, in order. Absent: there is neither. */
  readonly outside?: {
    readonly letters: readonly { at: number; key: string }[];
    readonly alerts: readonly { name: string; instance: string; isFiring: boolean; mark: string }[];
  };
  readonly processes: readonly { name: string; isDead: boolean; frozenUntil: number }[];
  /** Marks of deliveries that Slack never signed. */
  readonly forged: ReadonlySet<string>;
  readonly acknowledged: readonly { mark: string; answer: { status: number; body: string } | null }[];
  /** `stream/version` → the process that wrote it. */
  readonly writers: ReadonlyMap<string, string>;
  readonly people: {
    readonly deactivatedAt: ReadonlyMap<string, number>;
    /** Who holds which role, by what stands for them in events; left out: as the catalogue of the simulation has it. */
    readonly roles?: ReadonlyMap<string, readonly string[]>;
  };
}

interface StreamText {
  readonly id: string;
  readonly version: number;
  readonly hash: string;
  readonly events: readonly EventText[];
}
interface EventText {
  readonly stream: string;
  readonly version: number;
  readonly key: string;
  readonly run: string | null;
  readonly type: string;
  readonly data: string;
  readonly actor: string;
  readonly at: Date;
  readonly previousHash: string;
  readonly hash: string;
}
interface ItemText {
  readonly sink: string;
  readonly stream: string;
  readonly key: string;
  readonly queue: string;
  readonly desired: string;
  readonly desiredHash: string;
  readonly deliveredHash: string | null;
  readonly deliveredAs: string | null;
  readonly givenUpAt: number | null;
  readonly once: boolean;
}
interface HungCall {
  readonly process: { readonly name: string; readonly isDead: boolean; readonly frozenUntil: number };
  readonly what: string;
  readonly since: number;
  readonly endedAt: number | null;
}
interface PlanText {
  /** The step it takes back, and its run. */
  readonly undoes?: { readonly run: string; readonly step: string };
  readonly stages: readonly { readonly steps: readonly StepText[] }[];
}
interface StepText {
  readonly id: string;
  readonly kind: string;
  /** Only where an earlier step found something. */
  readonly when?: unknown;
  readonly action?: string;
  readonly input?: { readonly target: string };
  readonly gate?: { readonly role: string; readonly quorum: number; readonly escalate: readonly { role: string }[] };
}
interface FactText {
  readonly step: string;
  readonly value: unknown;
  readonly material: boolean;
}
type Data = Readonly<Record<string, unknown>>;
interface Event extends EventText {
  readonly says: Data;
}

/** Who holds which role, by the catalogue of the simulation. */
export const ROLES: Readonly<Record<string, readonly string[]>> = {
  ...{ ana: ["responder"], bo: ["incident-commander"], cy: ["incident-commander", "responder"] },
  ...{ dee: ["incident-commander"], vi: ["vp-engineering"] },
};
/** Who may go past an approval no one answers, and how long its chain has to be silent before, milliseconds: by the same catalogue. */
const BREAK_GLASS = { roles: ["vp-engineering", "incident-commander"], silentMs: 4_000 };
/** What a target shows that someone changed by hand. */
const BY_HAND = "by hand";
const SETTLES = ["step.verified", "step.confirmed", "step.skipped"];
const ENDINGS = ["run.verified", "run.aborted", "run.failed"];
/** Longer than every deadline there is (10 s of a bulk call to Slack, twice for a repeat), milliseconds. */
const DEADLINE_MS = 25_000;
/** A lease that was confirmed this long ago is confirmed again before something is changed, and a little. */
const CONFIRMED_MS = 2_600;
/** A look and the intent after it, with the way there and back, milliseconds. */
const LOOK_MS = 400;

export function audit(on: Audited): readonly Complaint[] {
  const events = [...on.database.streams.values()].flatMap((stream) =>
    stream.events.map((row): Event => ({ ...row, says: JSON.parse(row.data) as Data })),
  );
  const runs = [...on.database.runs.values()].map((run) => ({
    ...run,
    plan: JSON.parse(Buffer.from(on.database.plans.get(run.planHash) ?? []).toString("utf8")) as PlanText,
    events: events.filter((event) => event.run === run.id),
  }));
  return [
    ...once(on, runs),
    ...runs.flatMap((run) => authorised(on, run)),
    ...runs.flatMap((run) => broken(on, run)),
    ...undone(runs),
    ...[...on.database.streams.values()].flatMap((stream) =>
      over(events.filter((event) => event.stream === stream.id)),
    ),
    ...(on.slack === null ? [] : durable(on)),
    ...chained(on, events),
    ...bounded(on),
    ...(on.slack === null ? [] : shown(on, on.slack.messages)),
    ...(on.outside === undefined ? [] : outside(on, on.outside, events)),
    ...runs.flatMap(oneWriter),
    ...exclusive(runs),
    ...runs.flatMap(resumed),
    ...runs.flatMap((run) => observed(on, run)),
  ];
}

interface Run {
  readonly id: string;
  readonly stream: string;
  readonly done: boolean;
  readonly planHash: string;
  readonly plan: PlanText;
  readonly events: readonly Event[];
}

const stepsOf = ({ plan }: Run) => plan.stages.flatMap(({ steps }) => steps);
const ms = (on: Audited, { at }: EventText) => at.getTime() - (on.time.epoch - on.time.now);

/** I1 and I7: each request that reached a target has an intent of its own before it, of the same process, whose lease is current. */
function once(on: Audited, runs: readonly Run[]): Complaint[] {
  const found: Complaint[] = [];
  const used = new Set<string>();
  const flipped = new Map<string, Flipped>();
  const sent = new Map<string, number>();
  for (const request of [...on.world.ledger].sort((one, other) => one.sentAt - other.sentAt)) {
    const intents = runs.flatMap((run) =>
      stepsOf(run)
        .filter((step) => step.action === request.action && step.input?.target === request.target)
        .flatMap((step) =>
          run.events
            .filter((event) => event.type === "step.intended" && event.says.step === step.id)
            .map((event) => ({ run, step, event, name: `${event.stream}/${event.version}` })),
        ),
    );
    const own = intents
      .filter(({ event, name }) => ms(on, event) <= request.sentAt + 1 && on.writers.get(name) === request.process)
      .filter(({ name }) => !used.has(name))
      .at(-1);
    if (own === undefined) {
      found.push({
        invariant: "I1",
        says: `${request.process} sent ${request.action} ${request.target} without an intent of its own`,
      });
      continue;
    }
    used.add(own.name);
    const place = `${own.run.id} ${own.step.id}`;
    const first = sent.get(place);
    sent.set(place, request.sentAt);
    if (first !== undefined && !hasLooked(on, request, first))
      found.push({ invariant: "I1", says: `${place} was requested again without a look at ${request.target}` });
    if (request.action === "sim.flip") {
      const name = `${own.run.id} ${own.step.id}`;
      const before = flipped.get(name);
      flipped.set(name, { version: own.event.version, at: request.at });
      const intendedAt = ms(on, own.event);
      const isPutBack = on.world.history.some(
        ({ at, target, value }) =>
          target === request.target && value === BY_HAND && before !== undefined && at > before.at && at < intendedAt,
      );
      // Whoever puts it back by hand makes it look as if it had not happened.
      if (before !== undefined && !isPutBack && isFlippedBack(own.run, before, own.event.version, intendedAt))
        found.push({ invariant: "I1", says: `${name} was requested again after it had happened` });
    }
    const later = own.run.events.find(
      (event) =>
        event.type === "step.started" &&
        event.version > own.event.version &&
        event.says.step === own.step.id &&
        on.writers.get(`${event.stream}/${event.version}`) !== request.process &&
        ms(on, event) < request.sentAt - CONFIRMED_MS,
    );
    if (later !== undefined)
      found.push({
        invariant: "I7",
        says: `${request.process} sent ${request.action} long after ${own.step.id} was taken over`,
      });
    const end = own.run.events.find((event) => ENDINGS.includes(event.type));
    if (end !== undefined && ms(on, end) < request.sentAt - CONFIRMED_MS && end.version < own.event.version)
      found.push({ invariant: "I1", says: `${request.action} was sent for a run that had ended` });
  }
  return found;
}

/** Who requests something again has looked at it since it was requested before. */
function hasLooked(on: Audited, request: Request, since: number): boolean {
  if (on.world.looks === undefined) return true;
  return on.world.looks.some(
    ({ at, process, target }) =>
      process === request.process && target === request.target && at > since && at < request.sentAt,
  );
}

type Request = Audited["world"]["ledger"][number];

interface Flipped {
  readonly version: number;
  readonly at: number;
}

/**
 * What has moved moves back when it's moved again: only a person's word lets a run do it once more. What arrived after the last look,
 * later than the action says it takes, could not be seen.
 */
function isFlippedBack(run: Run, before: Flipped, version: number, intendedAt: number): boolean {
  const asked = run.events.some(
    (event) => event.type === "step.retried" && event.version > before.version && event.version < version,
  );
  return !asked && before.at < intendedAt - LOOK_MS;
}

/** I2 and I11: every change was approved by enough people who may, who did not ask for it, in time, and no one had said no. */
function authorised(on: Audited, run: Run): Complaint[] {
  const found: Complaint[] = [];
  const steps = stepsOf(run);
  const requested = run.events.find(({ type }) => type === "run.requested");
  for (const event of run.events.filter(({ type }) => type === "step.intended")) {
    const index = steps.findIndex(({ id }) => id === event.says.step);
    for (const gate of steps.slice(0, index)) {
      if (gate.kind !== "gate" || gate.gate === undefined) continue;
      const before = run.events.filter(({ version }) => version < event.version);
      const passed = before.filter(({ type, says }) => type === "gate.passed" && says.step === gate.id).at(-1);
      const why =
        passed === undefined
          ? "no gate was passed"
          : (against(on, before, gate, passed, requested) ?? notAsShown(on, run, gate, passed));
      if (why !== null) found.push({ invariant: "I2", says: `${run.id} ${event.says.step}: ${why}` });
    }
    const open = unsettledBefore(run, event);
    if (open !== null) found.push({ invariant: "I2", says: `${run.id} ${event.says.step} was begun before ${open}` });
    if (requested?.says.dryRun === true)
      found.push({ invariant: "I2", says: `${run.id} is a dry run and changed something` });
  }
  return found;
}

/** A step of a stage before that nobody had done with when this one was begun; null: none. Gates are judged apart. */
function unsettledBefore(run: Run, event: Event): string | null {
  const stage = run.plan.stages.findIndex(({ steps }) => steps.some(({ id }) => id === event.says.step));
  const earlier = run.plan.stages
    .slice(0, stage)
    .flatMap(({ steps }) => steps.filter(({ kind, when }) => kind !== "gate" && (when ?? null) === null));
  return earlier.find(({ id }) => !isSettledBy(run, id, event))?.id ?? null;
}

/**
 * What was shown to those who approved was so when it was used: the process that lets a gate pass has looked at each target once more
 * since it was asked, and has seen what was shown. What was shown of a step that is settled since stands: an approval is not void
 * because what it allowed has begun.
 */
function notAsShown(on: Audited, run: Run, gate: StepText, passed: Event): string | null {
  const known = on.world.looks;
  if (known === undefined) return null;
  const opened = run.events.find(({ type, says }) => type === "gate.opened" && says.ask === passed.says.ask);
  const shown = run.events
    .filter(({ type, says, version }) => type === "run.preflighted" && version < (opened?.version ?? 0) && says.facts)
    .at(-1);
  if (opened === undefined || shown === undefined) return `${gate.id} was asked without a look`;
  const by = on.writers.get(`${passed.stream}/${passed.version}`);
  for (const fact of shown.says.facts as readonly FactText[]) {
    const target = stepsOf(run).find(({ id }) => id === fact.step)?.input?.target;
    if (!fact.material || target === undefined || isSettledBy(run, fact.step, passed)) continue;
    const looks = known.filter(
      (look) => look.process === by && look.target === target && look.at > ms(on, opened) && look.at <= ms(on, passed),
    );
    if (!looks.some(({ value }) => value === fact.value))
      return `${gate.id} was passed though ${target} was not seen to be ${fact.value} again`;
  }
  return null;
}

function isSettledBy(run: Run, step: string, by: Event): boolean {
  return run.events.some(
    ({ type, says, version }) => SETTLES.includes(type) && says.step === step && version < by.version,
  );
}

function against(
  on: Audited,
  before: readonly Event[],
  { id, gate }: StepText,
  passed: Event,
  requested?: Event,
): string | null {
  const about = before.filter(({ says, version }) => says.ask === passed.says.ask && version < passed.version);
  const opened = about.find(({ type }) => type === "gate.opened");
  if (opened === undefined || gate === undefined) return `${id} was passed without a question`;
  if (opened.says.planHash !== requested?.says.planHash) return `${id} was asked about another plan`;
  const no = about.find(({ type }) => ["gate.denied", "gate.expired", "gate.voided"].includes(type));
  if (no !== undefined) return `${id} was passed after ${no.type}`;
  if (passed.at.getTime() >= Date.parse(String(opened.says.expiresAt))) return `${id} was passed after it had expired`;
  const paused = before.filter(({ type }) => type === "run.paused" || type === "run.resumed").at(-1);
  if (paused?.type === "run.paused" && paused.version < passed.version)
    return `${id} was passed while the run was paused`;
  const breakGlass = about.find(({ type }) => type === "gate.broken");
  if (breakGlass !== undefined) return againstBreak(on, about, breakGlass, passed);
  const roles = [gate.role, ...gate.escalate.map(({ role }) => role)];
  const people = new Set(
    about
      .filter(({ type }) => type === "gate.approved")
      .filter(({ at }) => at.getTime() < Date.parse(String(opened.says.expiresAt)))
      .map(({ says }) => ({ person: String(says.person), place: String(says.onBehalfOf ?? says.person) }))
      .filter(({ place }) => (on.people.roles?.get(place) ?? ROLES[place])?.some((role) => roles.includes(role)))
      .filter(({ person, place }) => person !== requested?.says.requester && place !== requested?.says.requester)
      .filter(({ person }) => !wasGone(on, person, passed))
      .map(({ place }) => place),
  );
  return people.size >= gate.quorum ? null : `${id} was passed with ${people.size} of ${gate.quorum} people`;
}

/** A break-glass opens what was shown, while it lasts and who used it is there. Who used it and when is judged apart. */
function againstBreak(on: Audited, about: readonly Event[], breakGlass: Event, passed: Event): string | null {
  const [opened] = about;
  const { person, planHash, factsHash, until } = breakGlass.says;
  if (planHash !== opened?.says.planHash || factsHash !== opened?.says.factsHash)
    return "break-glass was for something else";
  if (passed.at.getTime() >= Date.parse(String(until))) return "it was passed after its break-glass had expired";
  return wasGone(on, String(person), passed) ? `${person} had left` : null;
}

/**
 * Past an approval goes who may, after every level was asked and the last one was silent; with someone else who may decide or break it, or
 * after waiting for one. Who requested the run goes neither alone nor second.
 */
function broken(on: Audited, run: Run): Complaint[] {
  const requester = run.events.find(({ type }) => type === "run.requested")?.says.requester;
  return run.events.flatMap((event) => {
    if (event.type !== "gate.breakAsked" && event.type !== "gate.broken") return [];
    const about = run.events.filter(({ says, version }) => says.ask === event.says.ask && version < event.version);
    const gate = stepsOf(run).find(({ id }) => id === event.says.step)?.gate;
    const why =
      gate === undefined
        ? "there is no such approval"
        : (notSilent(gate, about, event) ??
          notTheirs(on, event) ??
          (event.type === "gate.broken" ? notSeconded(on, gate, about, event, requester) : null));
    return why === null ? [] : [{ invariant: "I2", says: `${run.id} ${event.says.step}: ${why}` }];
  });
}

type GateText = NonNullable<StepText["gate"]>;

function notSilent(gate: GateText, about: readonly Event[], event: Event): string | null {
  const opened = about.find(({ type }) => type === "gate.opened");
  const last = about.filter(({ type }) => type === "gate.escalated").at(-1);
  const isAsked = gate.escalate.length === 0 || last?.says.level === gate.escalate.length;
  const asked = (last ?? opened)?.at.getTime() ?? Number.POSITIVE_INFINITY;
  return isAsked && event.at.getTime() >= asked + BREAK_GLASS.silentMs ? null : "break-glass was used before silence";
}

function notTheirs(on: Audited, { says: { person } }: Event): string | null {
  return holdsOneOf(on, String(person), BREAK_GLASS.roles) ? null : `${person} may not use break-glass`;
}

function notSeconded(
  on: Audited,
  gate: GateText,
  about: readonly Event[],
  event: Event,
  requester: unknown,
): string | null {
  const { person, second } = event.says;
  if (second === null) {
    const waits = about.find(({ type, says }) => type === "gate.breakAsked" && says.person === person);
    if (requester === person) return `${person} requested it and used break-glass alone`;
    if (waits === undefined) return `${person} used break-glass without waiting for a second person`;
    return event.at.getTime() < Date.parse(String(waits.says.aloneAt)) ? `${person} didn't wait long enough` : null;
  }
  if (second === person || second === requester) return `${second} confirmed their own break-glass`;
  const roles = [...BREAK_GLASS.roles, gate.role, ...gate.escalate.map(({ role }) => role)];
  const stream = on.database.streams.get(event.stream)?.events ?? [];
  const isDelegated = stream.some(
    ({ type, data, version }) =>
      type === "incident.roleDelegated" && version < event.version && (JSON.parse(data) as Data).to === second,
  );
  return holdsOneOf(on, String(second), roles) || isDelegated ? null : `${second} may not confirm a break-glass`;
}

function holdsOneOf(on: Audited, who: string, of: readonly string[]): boolean {
  return (on.people.roles?.get(who) ?? ROLES[who] ?? []).some((role) => of.includes(role));
}

/** What is taken back was changed by a run that had ended, and is not taken back while another run does so or after one did. */
function undone(runs: readonly Run[]): Complaint[] {
  const undos = runs.flatMap((run) => {
    const { undoes } = run.plan;
    return undoes === undefined ? [] : [{ run, undoes }];
  });
  return undos.flatMap(({ run, undoes }) => {
    const of = runs.find(({ id }) => id === undoes.run);
    const began = run.events.find(({ type }) => type === "run.requested");
    const before = of?.events.filter(({ version }) => version < (began?.version ?? 0)) ?? [];
    const changed = before.some(({ type, says }) => type === "step.intended" && says.step === undoes.step);
    const ended = before.some(({ type }) => ENDINGS.includes(type));
    const twice = undos.filter((other) => {
      const isSame = other.undoes.run === undoes.run && other.undoes.step === undoes.step;
      const same = isSame && other.run !== run && other.run.stream === run.stream ? other.run.events : [];
      const start = same.find(({ type }) => type === "run.requested")?.version ?? Number.POSITIVE_INFINITY;
      const end = same.find(({ type }) => ENDINGS.includes(type))?.version ?? Number.POSITIVE_INFINITY;
      const isDone = same.some(({ type, says }) => type === "step.verified" && says.step === "undo");
      return start < (began?.version ?? 0) && (isDone || end > (began?.version ?? 0));
    });
    const says = [
      ...(changed ? [] : [`takes back ${undoes.step}, which had changed nothing`]),
      ...(ended ? [] : [`takes back ${undoes.step} of a run that had not ended`]),
      ...twice.map((other) => `takes back what ${other.run.id} had taken back`),
    ];
    return says.map((what) => ({ invariant: "I2", says: `${run.id} ${what}` }));
  });
}

/** An incident is over once nothing changes anything any more; it is closed with every break-glass reviewed by who had no part in it. */
function over(events: readonly Event[]): Complaint[] {
  const found: string[] = [];
  const live = new Set<string>();
  const requesters = new Map<string, unknown>();
  const breaks = new Map<string, readonly unknown[]>();
  for (const { type, run, says, stream, version } of events) {
    if (type === "run.requested" && run !== null) {
      live.add(run);
      requesters.set(run, says.requester);
    }
    if (ENDINGS.includes(type) && run !== null) live.delete(run);
    if (type === "gate.broken") breaks.set(String(says.ask), [says.person, says.second, requesters.get(run ?? "")]);
    if (type === "gate.reviewed") {
      if (breaks.get(String(says.ask))?.includes(says.person))
        found.push(`${stream} ${version}: ${says.person} reviewed their own break-glass`);
      breaks.delete(String(says.ask));
    }
    if ((type === "incident.resolved" || type === "incident.closed") && live.size > 0)
      found.push(`${stream} ${version}: ${type} while ${[...live].join(", ")} went on`);
    if (type === "incident.closed" && breaks.size > 0)
      found.push(`${stream} ${version}: closed with a break-glass no one had reviewed`);
  }
  return found.map((says) => ({ invariant: "I2", says }));
}

/** Deactivated long enough before, while Slack could say so. */
function wasGone(on: Audited, person: string, passed: Event): boolean {
  const since = on.people.deactivatedAt.get(person);
  const couldSay = on.slack === null || on.slack.hung.length === 0;
  return since !== undefined && couldSay && ms(on, passed) - since > 10_000;
}

/** I3: what Slack was told was kept is in the inbox, and someone has done it. */
function durable(on: Audited): Complaint[] {
  const kept = on.acknowledged.filter(
    ({ answer }) => answer?.status === 200 && !/could not be|couldn't be|Nothing was done/i.test(answer.body),
  );
  const lost = kept
    .filter(({ mark }) => !on.forged.has(mark))
    .filter(({ mark }) => !on.database.inbox.some(({ key }) => key.includes(mark)));
  const undone = on.database.inbox.filter(({ doneAt, attempts }) => doneAt === null && attempts < 5);
  const heard = on.database.inbox.filter(({ key }) => [...on.forged].some((mark) => key.includes(mark)));
  return [
    ...heard.map(({ key }) => ({ invariant: "I2", says: `${key} was heard, and Slack never signed it` })),
    ...lost.map(({ mark }) => ({ invariant: "I3", says: `${mark} was acknowledged and is not in the inbox` })),
    ...undone.map(({ key }) => ({ invariant: "I3", says: `${key} was kept and never done` })),
  ];
}

/** I4 and I11: gapless, chained, each key once, in the order of time. */
function chained(on: Audited, events: readonly Event[]): Complaint[] {
  const found: Complaint[] = complaintsOf(
    [...on.database.streams.values()].map(({ id, version, hash }) => ({ id, version, head_hash: hash })),
    events.map((row) => ({ ...row, at: row.at.toISOString(), previous_hash: row.previousHash })),
  ).map((says) => ({ invariant: "I4", says }));
  const keys = new Set<string>();
  let last: Event | null = null;
  for (const event of events) {
    const key = `${event.stream} ${event.key}`;
    if (keys.has(key)) found.push({ invariant: "I4", says: `${key} is there twice` });
    keys.add(key);
    if (last?.stream === event.stream && event.at < last.at)
      found.push({ invariant: "I11", says: `${event.stream} ${event.version} is older than the one before it` });
    last = event;
  }
  return found;
}

/** I5: no call outside waits longer than the longest deadline. */
function bounded(on: Audited): Complaint[] {
  return [...on.world.hung, ...(on.slack?.hung ?? [])].flatMap(({ process, what, since, endedAt }) => {
    if (process.isDead || process.frozenUntil > since) return [];
    const waited = (endedAt ?? on.time.now) - since;
    return waited <= DEADLINE_MS
      ? []
      : [{ invariant: "I5", says: `${what} was waited for ${Math.round(waited / 1000)} s` }];
  });
}

/** I6: once all is well Slack shows what the timeline says, each message once. */
function shown(on: Audited, messages: NonNullable<Audited["slack"]>["messages"]): Complaint[] {
  const found: Complaint[] = [];
  // A stream that begins with a refusal is no incident: there is nothing to show.
  const isDeclared = ({ events: [first] }: StreamText) => first?.type === "incident.declared";
  const declared = new Set([...on.database.streams.values()].filter(isDeclared).map(({ id }) => id));
  for (const { id, version } of on.database.streams.values())
    if (declared.has(id) && (on.database.drawn.get(id)?.version ?? 0) < version)
      found.push({
        invariant: "I6",
        says: `${id} is drawn up to ${on.database.drawn.get(id)?.version ?? 0} of ${version}`,
      });
  for (const item of on.database.items) {
    if (item.sink !== "slack" || item.givenUpAt !== null) continue;
    const name = `${item.stream}/${item.key}`;
    const copies = messages.filter(({ key }) => key === name);
    if (copies.length > 1) found.push({ invariant: "I6", says: `${name} is shown ${copies.length} times` });
    const isDue = item.deliveredHash !== item.desiredHash && !(item.once && item.deliveredAs !== null);
    const isDirect = item.queue.startsWith("direct:");
    if (isDue && !isDirect) found.push({ invariant: "I6", says: `${name} is not shown as it should be` });
    const [copy] = copies;
    const { text } = JSON.parse(item.desired) as { text: string };
    if (!isDue && !item.once && copy !== undefined && copy.text !== text)
      found.push({ invariant: "I6", says: `${name} shows another text than was written down` });
  }
  return found;
}

/**
 * I3 and I6 outside Slack: an update by mail was accepted by the mail server before it is recorded as delivered, and each ends in some way; what
 * monitoring was told was kept is done, and on the timelines an instance of an alert fires and is resolved in turns.
 */
function outside(
  on: Audited,
  { letters, alerts }: NonNullable<Audited["outside"]>,
  events: readonly Event[],
): Complaint[] {
  const found: Complaint[] = [];
  const ended = new Map<string, Event>();
  for (const event of events.filter(({ type }) => type === "update.delivered" || type === "update.undelivered")) {
    const key = `${event.says.update}/${event.says.via}`;
    if (ended.has(key)) found.push({ invariant: "I6", says: `${key} ended twice` });
    ended.set(key, event);
    const isSent = letters.some((letter) => letter.key === key && letter.at <= ms(on, event));
    if (event.type === "update.delivered" && !isSent)
      found.push({ invariant: "I6", says: `${key} is recorded as delivered and never arrived` });
  }
  for (const { type, says } of events) {
    const isMailed = type === "update.posted" && (says.channels as readonly string[]).includes("email");
    if (isMailed && !ended.has(`${says.update}/email`))
      found.push({ invariant: "I6", says: `${says.update} was posted, and its mail neither sent nor given up` });
  }
  for (const { mark, name } of alerts) {
    const row = on.database.inbox.find(({ key }) => key === `alerts/${mark}`);
    if (row === undefined) found.push({ invariant: "I3", says: `${name} (${mark}) was kept and is not in the inbox` });
    else if (row.doneAt === null) found.push({ invariant: "I3", says: `${name} (${mark}) was kept and never heard` });
  }
  const firing = new Set<string>();
  for (const { stream, type, says } of events) {
    if (type !== "alert.fired" && type !== "alert.resolved") continue;
    for (const one of says.instances as readonly (string | { readonly id: string })[]) {
      const instance = `${stream} ${says.alert} ${typeof one === "string" ? one : one.id}`;
      if (firing.has(instance) === (type === "alert.fired"))
        found.push({ invariant: "I4", says: `${type} of ${instance} twice in a row` });
      if (type === "alert.fired") firing.add(instance);
      else firing.delete(instance);
    }
  }
  return found;
}

/** I7: who drives a run changes in one direction only. */
function oneWriter(run: Run): Complaint[] {
  let epoch = 0;
  return run.events.flatMap(({ type, says }) => {
    if (type !== "step.started") return [];
    const own = Number(says.epoch);
    const found = own < epoch ? [{ invariant: "I7", says: `${run.id}: epoch ${own} after ${epoch}` }] : [];
    epoch = Math.max(epoch, own);
    return found;
  });
}

/** I8: no two runs that change the same thing at a time. */
function exclusive(runs: readonly Run[]): Complaint[] {
  const held = runs.flatMap((run) => {
    const requested = run.events.find(({ type }) => type === "run.requested");
    if (requested === undefined || requested.says.dryRun === true) return [];
    const ended = run.events.find(({ type }) => ENDINGS.includes(type));
    const targets = stepsOf(run).flatMap(({ action, input }) =>
      action?.startsWith("sim.") && action !== "sim.look" ? [input?.target] : [],
    );
    return [{ run, from: requested.at.getTime(), to: ended?.at.getTime() ?? Number.POSITIVE_INFINITY, targets }];
  });
  return held.flatMap((one, n) =>
    held.slice(n + 1).flatMap((other) => {
      const both = one.targets.find((target) => other.targets.includes(target));
      const isTogether = one.from < other.to && other.from < one.to;
      return both !== undefined && isTogether
        ? [{ invariant: "I8", says: `${one.run.id} and ${other.run.id} both held ${both}` }]
        : [];
    }),
  );
}

/** I10: when all is well again, a run has ended, or it is said what it waits for. */
function resumed(run: Run): Complaint[] {
  const last = (types: readonly string[]) => run.events.filter(({ type }) => types.includes(type)).at(-1);
  if (run.done || last(ENDINGS) !== undefined) return [];
  if (last(["run.paused", "run.resumed"])?.type === "run.paused") return [];
  const stuck = last(["run.stuck", "run.resumed"]);
  if (stuck?.type === "run.stuck") return [];
  const steps = new Map<string, Event>();
  for (const event of run.events) {
    const step = event.says.step;
    if (typeof step === "string" && /^(step|gate)\./.test(event.type)) steps.set(step, event);
  }
  const waits = [...steps.values()].some(
    ({ type }) =>
      ["step.failed", "step.stopped", "step.opened"].includes(type) || /^gate\.(?!passed|voided)/.test(type),
  );
  return waits
    ? []
    : [{ invariant: "I10", says: `${run.id} goes nowhere; its last event is ${run.events.at(-1)?.type}` }];
}

/** I12: what is recorded as done was so in the world at that moment. */
function observed(on: Audited, run: Run): Complaint[] {
  return run.events.flatMap((event) => {
    if (event.type !== "step.verified") return [];
    const step = stepsOf(run).find(({ id }) => id === event.says.step);
    const target = step?.input?.target;
    if (!step?.action?.startsWith("sim.") || step.action === "sim.look") return [];
    if (on.world.looks === undefined) return [];
    const by = on.writers.get(`${event.stream}/${event.version}`);
    const began = run.events.filter(
      ({ type, says, version }) => type === "step.started" && says.step === step.id && version < event.version,
    );
    const since = Math.min(...began.map((one) => ms(on, one)));
    const seen = (on.world.looks ?? []).filter(
      (look) => look.process === by && look.target === target && look.at >= since - 1 && look.at <= ms(on, event) + 1,
    );
    const isSo = seen.some(({ value }) =>
      step.action === "sim.flip" ? value !== null : value === `${step.action?.slice(4)}ed`,
    );
    const values = seen.map(({ value }) => value).join(", ");
    return isSo
      ? []
      : [
          {
            invariant: "I12",
            says: `${run.id} ${step.id} was verified by ${by}, which saw ${target} ${values || "not"}`,
          },
        ];
  });
}
