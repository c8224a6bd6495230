import type { Random } from "../support/random.ts";
import type { Process, VirtualTime } from "./time.ts";
import type { Hung } from "./world.ts";

type Json = Record<string, unknown>;

/** A message as Slack shows it now. */
export interface ShownInSlack {
  readonly channel: string;
  readonly ts: string;
  text: string;
  blocks: readonly Json[];
  readonly thread: string | null;
  /** Our name for it; null: it has none. */
  readonly key: string | null;
}

export interface SlackUser {
  readonly id: string;
  readonly name: string;
  deleted: boolean;
  readonly guest: boolean;
}

interface Channel {
  readonly id: string;
  readonly name: string;
  readonly creator: string;
  readonly created: number;
  archived: boolean;
}

/** A button that someone can see. */
export interface Button {
  readonly message: ShownInSlack;
  readonly action: string;
  readonly block: string;
  readonly value: string;
}

/** Slack's Web API as the bots call it through `fetch`, with its channels and messages, and what goes wrong on the way. */
export class SlackServer {
  readonly users = new Map<string, SlackUser>();
  readonly messages: ShownInSlack[] = [];
  /** What was said to one person in answer to something; forgotten by Slack. */
  readonly answers: { readonly user: string | null; readonly text: string }[] = [];
  readonly hung: Hung[] = [];
  readonly channels = new Map<string, Channel>();
  /** Share of calls that go wrong. */
  trouble = 0;
  /** Nothing is answered. */
  isDown = false;
  /** When something was last changed here, milliseconds since the run began. */
  changedAt = 0;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #note: (fault: string) => void;
  readonly #trace: (line: string) => void;
  #serial = 0;

  constructor(
    time: VirtualTime,
    random: Random,
    note: (fault: string) => void,
    trace: (line: string) => void = () => {},
  ) {
    this.#time = time;
    this.#random = random;
    this.#note = note;
    this.#trace = trace;
    this.channels.set("CHOUSE", channel("CHOUSE", "incidents", 0));
  }

  readonly fetch = (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const time = this.#time;
    const random = this.#random;
    const process = time.current;
    if (process === null) throw new Error("Only a process calls Slack.");
    if (!process.sends()) return new Promise(() => {});
    const method = String(url).replace(/^.*\/(api|respond)\//, "");
    const args = argumentsOf(init.body);
    const fate = this.isDown ? "hangs" : random.chance(this.trouble) ? random.one(FATES) : "well";
    if (fate !== "well") this.#note(`slack: ${this.isDown ? "down" : fate}`);
    const [wait, back] = [random.between(10, 60), random.between(10, 60)];
    return new Promise((resolve, reject) => {
      const signal = init.signal ?? undefined;
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      const answer = (tell: () => void) => time.after(back, process, tell);
      if (fate === "hangs" || fate === "hangs after the effect") this.#hangs(process, method, signal);
      time.after(wait, null, () => {
        if (fate === "hangs") return;
        if (fate === "request lost") return void answer(() => reject(fetchFailed()));
        if (fate === "limited")
          return void answer(() => resolve(json(429, { ok: false, error: "ratelimited" }, { "retry-after": "2" })));
        if (fate === "refused before")
          return void answer(() => resolve(json(200, { ok: false, error: "internal_error" })));
        const said = this.#do(method, args);
        if (!/\.(?:test|info|list|history|replies|getPermalink)$/.test(method)) this.changedAt = time.now;
        this.#trace(
          `${process.name} slack ${method} ${fate} ${args.ts ?? said.ts ?? ""} ${String(args.text ?? "").slice(0, 40)} ${JSON.stringify(args.metadata ?? "").slice(0, 140)}`,
        );
        if (fate === "answer lost") return void answer(() => reject(fetchFailed()));
        if (fate === "unwell after the effect") return void answer(() => resolve(json(503, {})));
        if (fate !== "hangs after the effect") answer(() => resolve(json(200, said)));
      });
    });
  };

  /** Buttons whose action looks like that and that can be seen, the newest last. */
  buttons(actions: RegExp): readonly Button[] {
    return this.messages.flatMap((message) =>
      message.blocks.flatMap((block) =>
        ((block.elements ?? []) as Json[]).flatMap((element) => {
          const action = String(element.action_id ?? "");
          if (element.type !== "button" || !actions.test(action)) return [];
          return [{ message, action, block: String(block.block_id ?? "b"), value: String(element.value ?? "") }];
        }),
      ),
    );
  }

  #hangs(process: Process, what: string, signal: AbortSignal | undefined): void {
    const hung: Hung = { process, what: `Slack's ${what}`, since: this.#time.now, endedAt: null };
    this.hung.push(hung);
    signal?.addEventListener("abort", () => {
      hung.endedAt = this.#time.now;
    });
  }

  #ts(): string {
    this.#serial += 1;
    return `${Math.floor(this.#time.epoch / 1000)}.${String(this.#serial).padStart(6, "0")}`;
  }

  #do(method: string, args: Json): Json {
    switch (method) {
      case "auth.test":
        return { ok: true, user_id: "ULIFEBOAT", bot_id: "BLIFEBOAT", team_id: "T1" };
      case "users.info": {
        const user = this.users.get(String(args.user));
        if (user === undefined) return { ok: false, error: "user_not_found" };
        const { id, name, deleted, guest } = user;
        return { ok: true, user: { id, name, real_name: name, team_id: "T1", deleted, is_restricted: guest } };
      }
      case "conversations.info": {
        const found = this.channels.get(String(args.channel));
        return found ? { ok: true, channel: shownChannel(found) } : { ok: false, error: "channel_not_found" };
      }
      case "conversations.create": {
        const name = String(args.name);
        if ([...this.channels.values()].some((one) => one.name === name)) return { ok: false, error: "name_taken" };
        const made = channel(`C${++this.#serial}`, name, Math.floor(this.#time.epoch / 1000));
        this.channels.set(made.id, made);
        return { ok: true, channel: shownChannel(made) };
      }
      case "conversations.list":
        return { ok: true, channels: [...this.channels.values()].filter((one) => !one.archived).map(shownChannel) };
      case "conversations.open": {
        const user = String(args.users);
        if (this.users.get(user)?.deleted !== false) return { ok: false, error: "user_disabled" };
        const id = `D${user}`;
        if (!this.channels.has(id)) this.channels.set(id, channel(id, id, 0));
        return { ok: true, channel: { id } };
      }
      case "conversations.history":
      case "conversations.replies":
        return { ok: true, messages: this.#history(args, method === "conversations.replies") };
      case "chat.postMessage":
        return this.#post(args);
      case "chat.update":
        return this.#update(args);
      case "chat.getPermalink":
        return { ok: true, permalink: `https://slack.sim/${args.channel}/${args.message_ts}` };
      case "chat.postEphemeral":
        this.answers.push({ user: String(args.user), text: String(args.text ?? "") });
        return { ok: true, message_ts: this.#ts() };
      // A workspace whose plan has no canvases: drafts are files.
      case "conversations.canvases.create":
        return { ok: false, error: "team_tier_cannot_create_channel_canvases" };
      case "bookmarks.list":
        return { ok: true, bookmarks: [] };
      default:
        if (args.text !== undefined) this.answers.push({ user: null, text: String(args.text) });
        return { ok: true, bookmark: { id: `B${++this.#serial}` }, view: { id: `V${++this.#serial}` }, items: [] };
    }
  }

  #post(args: Json): Json {
    const found = this.channels.get(String(args.channel));
    if (found === undefined) return { ok: false, error: "channel_not_found" };
    if (found.archived) return { ok: false, error: "is_archived" };
    const metadata = args.metadata as { event_payload?: { key?: string } } | undefined;
    const message = {
      ...{ channel: found.id, ts: this.#ts(), text: String(args.text ?? ""), blocks: (args.blocks ?? []) as Json[] },
      ...{ thread: (args.thread_ts as string) ?? null, key: metadata?.event_payload?.key ?? null },
    };
    this.messages.push(message);
    return { ok: true, ts: message.ts, channel: found.id };
  }

  #update(args: Json): Json {
    const found = this.messages.find(({ channel: at, ts }) => at === args.channel && ts === args.ts);
    if (found === undefined) return { ok: false, error: "message_not_found" };
    Object.assign(found, { text: String(args.text ?? ""), blocks: (args.blocks ?? []) as Json[] });
    return { ok: true, ts: found.ts, channel: found.channel };
  }

  #history(args: Json, inThread: boolean): Json[] {
    return this.messages
      .filter(
        ({ channel: at, thread, ts }) =>
          at === args.channel && (inThread ? thread === args.ts || ts === args.ts : thread === null),
      )
      .map(({ ts, text, key }) => ({
        ...{ ts, text, user: "ULIFEBOAT", bot_id: "BLIFEBOAT" },
        ...(key !== null && { metadata: { event_type: "lifeboat", event_payload: { key } } }),
      }))
      .reverse();
  }
}

const FATES = [
  "request lost",
  "answer lost",
  "limited",
  "refused before",
  "unwell after the effect",
  "hangs",
  "hangs after the effect",
] as const;

function channel(id: string, name: string, created: number): Channel {
  return { id, name, creator: "ULIFEBOAT", created, archived: false };
}

function shownChannel({ id, name, creator, created, archived }: Channel): Json {
  return { id, name, creator, created, is_archived: archived };
}

/** What the SDK sends: a form whose objects are JSON, or JSON. */
function argumentsOf(body: unknown): Json {
  const text = String(body ?? "");
  if (text.startsWith("{")) return JSON.parse(text) as Json;
  return Object.fromEntries(
    [...new URLSearchParams(text)].map(([name, value]) => [name, /^[[{]/.test(value) ? JSON.parse(value) : value]),
  );
}

function json(status: number, body: Json, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

function fetchFailed(): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }) });
}
