import { randomBytes } from "node:crypto";
import { ANCHORS } from "../incident/anchors.ts";
import type { AnchorReceipt, DataOf } from "../incident/events.ts";
import { sha256 } from "../lib/canonical.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { timestampAnswer, timestampRequest } from "../lib/timestamp.ts";
import { createProjector } from "../projection/projector.ts";
import type { CheckpointStatement } from "../timeline/checkpoints.ts";
import type { StoredEvent, Timeline } from "../timeline/contract.ts";
import type { Keyring } from "../timeline/keys.ts";
import type { HeadStatement } from "../timeline/statements.ts";

export interface AnchorSettings {
  /** A Slack channel checkpoints are posted in; null: none. Drawn from the timeline, like everything in Slack. */
  readonly channel: string | null;
  /** Addresses they are mailed to. */
  readonly mail: readonly string[];
  /** Address of a timestamp authority (RFC 3161); null: none. */
  readonly authority: string | null;
  /** Where they are put as objects under a retention lock; null or absent: nowhere. */
  readonly lock?: LockedBucket | null;
}

export interface LockedBucket {
  readonly bucket: string;
  readonly region: string;
  /** The bucket's owner, twelve digits, or the address of an S3 of one's own: one of the two. */
  readonly account?: string;
  readonly endpoint?: string;
  /** Before every key; empty, or ending with a slash. */
  readonly prefix: string;
  /** How long no one can delete one, days. */
  readonly days: number;
}

/** What of the outbox has arrived: a message's key, the channel it is in, and what it is called there. */
export interface Posted {
  readonly key: string;
  readonly place: string;
  readonly reference: string | null;
}

const DAYS_KEPT = 1095;
const DAYS_MAX = 36_500;

/** `s3://bucket/prefix?region=…&account=…&days=…`, with `endpoint=` in place of `account=` where it isn't AWS's. Null: it isn't one. */
export function lockedBucketIn(text: string): LockedBucket | null {
  if (!URL.canParse(text)) return null;
  const { protocol, host, pathname, searchParams } = new URL(text);
  const given = new Map(searchParams);
  const [region = "us-east-1", account, endpoint] = ["region", "account", "endpoint"].map((name) => given.get(name));
  const days = Number(given.get("days") ?? DAYS_KEPT);
  const known = ["region", "account", "endpoint", "days"];
  const isWell =
    protocol === "s3:" &&
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(host) &&
    /^[a-z]{2}(-[a-z]+)+-\d+$/.test(region) &&
    (account === undefined) !== (endpoint === undefined) &&
    (account === undefined || /^\d{12}$/.test(account)) &&
    (endpoint === undefined || /^https?:/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : "")) &&
    Number.isInteger(days) &&
    days >= 1 &&
    days <= DAYS_MAX &&
    [...given.keys()].every((name) => known.includes(name)) &&
    /^[\w!./()-]*$/.test(pathname);
  if (!isWell) return null;
  const path = pathname.replace(/^\/|\/$/g, "");
  return {
    ...{ bucket: host, region, prefix: path === "" ? "" : `${path}/`, days },
    ...(account !== undefined && { account }),
    ...(endpoint !== undefined && { endpoint }),
  };
}

export interface AnchorParts {
  readonly settings: AnchorSettings;
  readonly timeline: Pick<Timeline, "decide" | "read" | "follow" | "now" | "doubt">;
  readonly keyring: Pick<Keyring, "sign">;
  readonly heads: () => Promise<readonly HeadStatement[]>;
  /** Hands a mail to the outbox; it is sent once. */
  readonly send: (version: number, key: string, to: readonly string[], checkpoint: Checkpoint) => Promise<void>;
  readonly posted: () => Promise<readonly Posted[]>;
  /** Puts an object under a retention lock, once, and says its version. Absent: nothing can. */
  readonly lock?: (key: string, body: string, until: Date) => Promise<string | null>;
  readonly log: Logger;
  readonly everyMs?: number;
}

export type Checkpoint = DataOf<"checkpoint.made">;

export interface AnchorWorker {
  start(): void;
  /** One round: a checkpoint where one is due, and what wasn't placed yet. For tests, and at the end of an incident. */
  round(): Promise<void>;
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
/** What is on its way is looked at again after this, doubled each time up to a whole round. */
const SOON_MS = 1_000;
const DAY_MS = 86_400_000;
/** A place that doesn't answer is tried again for so long. */
const GIVE_UP_MS = 7 * DAY_MS;
const AUTHORITY_SECONDS = 20;
const ANSWER_MAX = 65_536;
const HEADS_MAX = 5_000;
const ENDS: ReadonlySet<string> = new Set(["incident.resolved", "incident.closed"]);

/**
 * Makes a checkpoint once a day and after each incident, and places it outside. Any number of processes do so together: what one has written
 * is left out by the others.
 */
export function createAnchorWorker(parts: AnchorParts): AnchorWorker {
  const { settings, timeline, log, everyMs = EVERY_MS } = parts;
  const places = placesOf(settings);
  let soon: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  /** Incidents that ended while this process looked: their head is placed as soon as it is signed. */
  const ended = new Set<string>();
  /** How often in a row something was still on its way. */
  let waited = 0;

  async function look(): Promise<void> {
    if (timeline.doubt() !== null) return;
    const heads = await parts.heads();
    let events = await timeline.read(ANCHORS);
    if (isDue(events, heads, timeline.now(), ended)) {
      await timeline.decide(ANCHORS, (now, at) => ({ events: checkpoint(now, heads, at, parts.keyring), value: null }));
      for (const { stream } of newIn(events, heads)) ended.delete(stream);
      events = await timeline.read(ANCHORS);
    }
    let isWaiting = false;
    for (const [at, one] of madeIn(events)) if (await place(events, one, at)) isWaiting = true;
    waited = isWaiting ? waited + 1 : 0;
  }

  /** True: it is on its way to one of its places. */
  async function place(events: readonly StoredEvent[], one: Checkpoint, at: Date): Promise<boolean> {
    let isWaiting = false;
    for (const where of places) {
      if (isSettled(events, one, where)) continue;
      const outcome = await tried(where, one, events).catch((error) => messageOf(error));
      const isOld = timeline.now().getTime() - at.getTime() > GIVE_UP_MS;
      if (typeof outcome === "string" && !isOld)
        log.warn(
          { event: "anchor.delayed", place: where, checkpoint: one.checkpoint, says: outcome },
          "anchor delayed; retrying",
        );
      else if (outcome === null) isWaiting = true;
      else await record(one, where, outcome);
    }
    return isWaiting;
  }

  /** A receipt; null: it is on its way; or why it isn't there yet. */
  async function tried(
    where: string,
    one: Checkpoint,
    events: readonly StoredEvent[],
  ): Promise<AnchorReceipt | string | null> {
    if (where === "rfc3161") return timestamp(settings.authority ?? "", one.sha256);
    if (where === "s3") return locked(one);
    if (where === "slack") {
      const found = (await parts.posted()).find(({ key }) => key === slackKey(one));
      return found === undefined ? null : { at: found.place, reference: found.reference };
    }
    const key = mailKey(one);
    await parts.send(events.at(-1)?.version ?? 0, key, settings.mail, one);
    return null;
  }

  /** What is put there is what was signed, so that an auditor needs nothing else to check heads with it. */
  async function locked(one: Checkpoint): Promise<AnchorReceipt | null> {
    const { lock: place } = settings;
    if (!place || !parts.lock) return null;
    const { statement, key, signature } = one;
    const at = Date.parse((JSON.parse(statement) as CheckpointStatement).at);
    const name = `${place.prefix}checkpoint-${one.checkpoint}-${one.sha256}.json`;
    const body = `${JSON.stringify({ text: statement, key, signature })}\n`;
    const version = await parts.lock(name, body, new Date(at + place.days * DAY_MS));
    return { at: `s3://${place.bucket}/${name}`, reference: version };
  }

  async function record(
    { checkpoint: number, sha256: hash }: Checkpoint,
    where: string,
    outcome: AnchorReceipt | string,
  ) {
    const about = { checkpoint: number, sha256: hash, place: where };
    const event =
      typeof outcome === "string"
        ? { type: "anchor.refused", data: { ...about, says: outcome } }
        : { type: "anchor.placed", data: { ...about, receipt: outcome } };
    const key = `${number}/${where}`;
    await timeline.decide(ANCHORS, () => ({ events: [{ ...event, key, actor: { kind: "bot" } }], value: null }));
  }

  const round = () => {
    turn = turn
      .then(look)
      .catch((error) => log.warn({ event: "anchor.failed", says: messageOf(error) }, "anchoring failed; retrying"));
    return turn;
  };

  /** What is still on its way is looked at again sooner than the next round by time, and less and less often. */
  async function inTurn(): Promise<void> {
    await round();
    clearTimeout(soon);
    if (waited > 0 && !projector.stopping.aborted)
      soon = setTimeout(() => projector.wake(), Math.min(everyMs, SOON_MS * 2 ** (waited - 1))).unref();
  }

  const projector = createProjector({
    ...{ name: "anchors", timeline, log, look: noteEnd, round: inTurn, everyMs },
    // What ended while no process looked is in the checkpoint of the day.
    missed: async () => [],
  });
  return {
    round,
    start() {
      if (places.length > 0) projector.start();
    },
    async stop() {
      clearTimeout(soon);
      await projector.stop();
      await turn;
    },
  };

  async function noteEnd(stream: string): Promise<void> {
    const last = (await timeline.read(stream)).at(-1);
    if (last === undefined || !ENDS.has(last.type)) return;
    ended.add(stream);
    projector.wake();
  }
}

function placesOf({ channel, mail, authority, lock }: AnchorSettings): readonly string[] {
  return [
    ...(channel ? ["slack"] : []),
    ...(mail.length > 0 ? ["email"] : []),
    ...(authority ? ["rfc3161"] : []),
    ...(lock ? ["s3"] : []),
  ];
}

export const slackKey = ({ checkpoint }: Pick<Checkpoint, "checkpoint">) => `checkpoint:${checkpoint}`;
/** What the outbox calls its mail: the one who records its delivery reads the rest from it. */
export const mailKey = ({ checkpoint, sha256: hash }: Checkpoint) => `checkpoint-${checkpoint}/${hash}`;

function madeIn(events: readonly StoredEvent[]): readonly (readonly [Date, Checkpoint])[] {
  return events.flatMap(({ type, data, at }) =>
    type === "checkpoint.made" ? [[at, data as Checkpoint] as const] : [],
  );
}

function isSettled(events: readonly StoredEvent[], { checkpoint: number }: Checkpoint, where: string): boolean {
  return events.some(({ type, data }) => {
    const { checkpoint: of, place } = data as { checkpoint: number; place?: string };
    return type !== "checkpoint.made" && of === number && place === where;
  });
}

/** Once a day where something changed, and as soon as an incident that ended has a signed head that isn't in one yet. */
function isDue(
  events: readonly StoredEvent[],
  heads: readonly HeadStatement[],
  now: Date,
  ended: ReadonlySet<string>,
): boolean {
  const [last] = madeIn(events).at(-1) ?? [];
  const fresh = newIn(events, heads);
  if (fresh.length === 0) return false;
  return (
    last === undefined || now.getTime() - last.getTime() >= DAY_MS || fresh.some(({ stream }) => ended.has(stream))
  );
}

/** Heads above what checkpoints name already. That of the checkpoints' own stream alone is no reason for another. */
function newIn(events: readonly StoredEvent[], heads: readonly HeadStatement[]): readonly HeadStatement[] {
  const known = new Map<string, number>();
  for (const [, { statement }] of madeIn(events))
    for (const { stream, version } of (JSON.parse(statement) as CheckpointStatement).heads) known.set(stream, version);
  const fresh = heads.filter(({ stream, version }) => version > (known.get(stream) ?? 0));
  return fresh.some(({ stream }) => stream !== ANCHORS) ? fresh.slice(0, HEADS_MAX) : [];
}

function checkpoint(
  events: readonly StoredEvent[],
  heads: readonly HeadStatement[],
  now: Date,
  keyring: AnchorParts["keyring"],
) {
  const fresh = newIn(events, heads);
  const [, before] = madeIn(events).at(-1) ?? [];
  if (fresh.length === 0) return [];
  const number = (before?.checkpoint ?? 0) + 1;
  const statement: CheckpointStatement = {
    ...{
      statement: "lifeboat/checkpoint/1",
      checkpoint: number,
      previous: before?.sha256 ?? null,
      at: now.toISOString(),
    },
    heads: fresh.map(({ stream, version, hash }) => ({ stream, version, hash })),
  };
  const signed = keyring.sign(statement);
  if (signed === null) return [];
  const { text, key, signature } = signed;
  const data: Checkpoint = { checkpoint: number, sha256: sha256(text), statement: text, key, signature };
  return [{ type: "checkpoint.made", data, key: `checkpoint/${number}`, actor: { kind: "bot" } }];
}

/** Asks an authority for a timestamp. @throws when it doesn't answer, or not with one of this hash. */
async function timestamp(authority: string, hash: string): Promise<AnchorReceipt> {
  const answer = await withDeadline("The timestamp authority", AUTHORITY_SECONDS, async () => {
    const response = await fetch(authority, {
      method: "POST",
      headers: { "content-type": "application/timestamp-query" },
      body: timestampRequest(hash, randomBytes(8)),
      redirect: "error",
      signal: AbortSignal.timeout(AUTHORITY_SECONDS * 1000),
    });
    if (!response.ok) throw new Error(`${new URL(authority).host} answered ${response.status}`);
    return await bytesOf(response);
  });
  const found = timestampAnswer(answer, hash);
  if (found.kind === "refused") throw new Error(found.says);
  return { at: new URL(authority).origin, reference: null, token: answer.toString("base64") };
}

/** No more of it than an answer has. */
async function bytesOf({ body }: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > ANSWER_MAX) throw new Error("the answer is too long");
    parts.push(part);
  }
  return Buffer.concat(parts);
}
