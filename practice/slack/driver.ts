import { LifeboatError } from "../../src/lib/errors.ts";
import type { Choice, Filled } from "./blockkit/answers.ts";
import { elementsOf } from "./blockkit/check.ts";
import type { Block, Element, Message, View } from "./objects.ts";
import { INCIDENT_CHANNEL } from "./people.ts";
import type { Snapshot } from "./snapshot.ts";
import type { BlockPlace, Outcome, UserAction } from "./user-actions/user-action.ts";

/** How a driver reaches the workspace: in the same process, or over its control API. */
export interface Wire {
  perform(user: string, action: UserAction): Promise<Outcome>;
  snapshot(): Promise<Snapshot>;
  /** Resolves at the first change after `version`, or after `milliseconds`. */
  changed(version: number, milliseconds: number): Promise<void>;
}

/** What is filled into a form: block id → what was typed or chosen. */
export type Values = Readonly<Record<string, Choice>>;

/** One person's hands and eyes. Nothing here sleeps; what is waited for is awaited. */
export class Persona {
  readonly user: string;
  private readonly wire: Wire;

  constructor(wire: Wire, user: string) {
    this.wire = wire;
    this.user = user;
  }

  /** `slash("/dr failover database")`, in #incident-response unless another channel is meant. */
  slash(text: string, channel: string = INCIDENT_CHANNEL): Promise<Outcome> {
    return this.wire.perform(this.user, { do: "slash", text, channel });
  }

  say(text: string, channel: string = INCIDENT_CHANNEL, thread?: string): Promise<Outcome> {
    return this.wire.perform(this.user, { do: "say", text, channel, thread });
  }

  /** The id of a conversation with `users`: direct, or with a `name` a private channel. */
  async open(users: readonly string[], name?: string): Promise<string> {
    const opened = await this.wire.perform(this.user, { do: "open", users, name });
    if (!opened.ok) throw new LifeboatError({ code: opened.error, what: opened.said });
    return opened.channel as string;
  }

  /**
   * Presses a button, found by its action id or its words. One with a confirm dialog needs `confirm`: true presses its
   * confirm button, false turns away, and then nothing is sent.
   */
  async click(
    where: Message | View,
    button: string,
    options: { confirm?: boolean; filled?: Filled } = {},
  ): Promise<Outcome> {
    const current = await this.current(where);
    const { block, element } = find(current, (one) => one.action_id === button || wordsOf(one.text) === button, button);
    const dialog = element.confirm as { title: { text: string }; text: { text: string } } | undefined;
    if (dialog && options.confirm === undefined)
      throw new LifeboatError({
        code: "confirm-unanswered",
        what: `“${button}” asks first: ${dialog.title.text}. ${dialog.text.text}`,
        next: "Say confirm: true or confirm: false",
      });
    if (dialog && !options.confirm) return { ok: true };
    return this.use(current, block, element, null, options.filled);
  }

  /** Chooses in a select, menu, picker or overflow, found by its action id. */
  async choose(
    where: Message | View,
    action: string,
    choice: Choice,
    options: { filled?: Filled } = {},
  ): Promise<Outcome> {
    const current = await this.current(where);
    const { block, element } = find(current, (one) => one.action_id === action, action);
    return this.use(current, block, element, choice, options.filled);
  }

  /** Submits a modal with `values` by block id; what is not given keeps its initial value. */
  async submit(view: View, values: Values = {}): Promise<Outcome> {
    const current = (await this.current(view)) as View;
    return this.wire.perform(this.user, { do: "submit", view: current.id, filled: filledIn(current, values) });
  }

  dismiss(view: View): Promise<Outcome> {
    return this.wire.perform(this.user, { do: "close", view: view.id });
  }

  /** A global shortcut, or with a message the one in its menu. */
  shortcut(callback: string, message?: Message): Promise<Outcome> {
    const on = message && { channel: message.channel, ts: message.ts };
    return this.wire.perform(this.user, { do: "shortcut", callback, message: on });
  }

  /** Opens the Home tab, and gives what it shows: what the app publishes now, or after a second what it had before. */
  async openHome(timeoutMs = 5000): Promise<View> {
    const before = (await this.wire.snapshot()).homes[this.user];
    await this.wire.perform(this.user, { do: "home" });
    const newer = (snapshot: Snapshot) => {
      const home = snapshot.homes[this.user];
      return home && home.hash !== before?.hash ? home : undefined;
    };
    if (!before) return this.wait("a Home tab", timeoutMs, newer);
    return this.wait("a newer Home tab", Math.min(timeoutMs, 1000), newer).catch(() => before);
  }

  /** What this person sees in a channel (thread replies are only in their thread), ephemerals among it, oldest first. */
  async messages(channel: string = INCIDENT_CHANNEL, thread?: string): Promise<Message[]> {
    const seen = seenBy(await this.wire.snapshot(), this.user);
    return structuredClone(
      seen.filter((one) => one.channel === channel && (thread ? inThread(one, thread) : inChannel(one))),
    );
  }

  /** The first message this person can see that `predicate` likes: in any channel, thread or for them only. */
  waitForMessage(predicate: (message: Message) => boolean, timeoutMs = 5000): Promise<Message> {
    return this.wait("a message like that", timeoutMs, (snapshot) => seenBy(snapshot, this.user).find(predicate));
  }

  /** The modal this person sees, once `predicate` likes it. */
  waitForView(predicate: (view: View) => boolean = () => true, timeoutMs = 5000): Promise<View> {
    return this.wait("a modal like that", timeoutMs, (snapshot) => {
      const view = snapshot.modals[this.user]?.at(-1);
      return view && predicate(view) ? view : undefined;
    });
  }

  /** A modal like that, or a message like that instead of it. */
  waitForViewOrMessage(
    isView: (view: View) => boolean,
    isMessage: (message: Message) => boolean,
    timeoutMs = 5000,
  ): Promise<{ readonly view: View } | { readonly message: Message }> {
    return this.wait("a modal or a message like that", timeoutMs, (snapshot) => {
      const view = snapshot.modals[this.user]?.at(-1);
      if (view && isView(view)) return { view };
      const message = seenBy(snapshot, this.user).find(isMessage);
      return message && { message };
    });
  }

  /** What this person alone is told: in words, or above a form that was refused and is shown again. The form is closed then. */
  async waitForAnswer(isAnswer: (message: Message) => boolean, timeoutMs = 5000): Promise<string> {
    const told = await this.waitForViewOrMessage(({ blocks }) => whyRefused(blocks) !== null, isAnswer, timeoutMs);
    if ("message" in told) return told.message.text;
    await this.dismiss(told.view);
    return whyRefused(told.view.blocks) ?? "";
  }

  /** Resolves when no modal is open. */
  async waitForNoView(timeoutMs = 5000): Promise<void> {
    await this.wait("no modal", timeoutMs, (snapshot) => (snapshot.modals[this.user]?.length ? undefined : true));
  }

  private use(
    where: Message | View,
    block: Block,
    element: Element,
    choice: Choice,
    filled?: Filled,
  ): Promise<Outcome> {
    const place: BlockPlace = "id" in where ? { view: where.id } : { channel: where.channel, ts: where.ts };
    const [blockId, action] = [block.block_id as string, element.action_id as string];
    return this.wire.perform(this.user, { do: "use", place, block: blockId, action, choice, filled });
  }

  /** The same message or view as it is now: what was waited for may have been edited since. */
  private async current<T extends Message | View>(where: T): Promise<T> {
    const snapshot = await this.wire.snapshot();
    const now =
      "id" in where
        ? [...(snapshot.modals[this.user] ?? []), ...Object.values(snapshot.homes)].find((view) => view.id === where.id)
        : seenBy(snapshot, this.user).find((one) => one.ts === where.ts && one.channel === where.channel);
    if (!now)
      throw new LifeboatError({
        code: "gone",
        what: "That message or view is not there any more",
        next: "Wait for the one you mean",
      });
    return now as T;
  }

  private async wait<T>(what: string, timeoutMs: number, look: (snapshot: Snapshot) => T | undefined): Promise<T> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const snapshot = await this.wire.snapshot();
      const found = look(snapshot);
      // A copy: what is here now is edited in place later.
      if (found !== undefined) return structuredClone(found);
      const left = until - performance.now();
      if (left <= 0) throw tooLate(what, this.user, timeoutMs, snapshot);
      await this.wire.changed(snapshot.version, left);
    }
  }
}

/** Drives a workspace of another process through its control API. */
export function driveWorkspace(url: string): { as(user: string): Persona; conversation(): Promise<string> } {
  const ask = async (path: string, body?: unknown, milliseconds = 30_000) => {
    const response = await fetch(new URL(path, url), {
      ...(body === undefined
        ? {}
        : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(milliseconds),
    });
    if (!response.ok)
      throw new LifeboatError({
        code: "workspace-refused",
        where: path,
        what: `${response.status} ${await response.text()}`,
      });
    return response;
  };
  const wire: Wire = {
    perform: async (user, action) => (await ask(`/control/as/${user}`, action)).json() as Promise<Outcome>,
    snapshot: async () => (await ask("/control/state")).json() as Promise<Snapshot>,
    changed: async (version, wait) => {
      const most = Math.min(Math.ceil(wait), 20_000);
      await ask(`/control/changed?since=${version}&milliseconds=${most}`);
    },
  };
  return {
    as: (user) => new Persona(wire, user),
    conversation: async () => (await ask("/control/conversation")).text(),
  };
}

function seenBy(snapshot: Snapshot, user: string): Message[] {
  const hidden = new Set(
    snapshot.channels.filter((one) => one.kind !== "public" && !one.members.includes(user)).map((one) => one.id),
  );
  return [...snapshot.messages, ...snapshot.ephemerals.filter((one) => one.only === user)]
    .filter((one) => !hidden.has(one.channel))
    .sort((a, b) => Number(a.ts) - Number(b.ts) || a.ts.localeCompare(b.ts));
}

function inThread(message: Message, root: string): boolean {
  return message.ts === root || message.thread_ts === root;
}

function inChannel(message: Message): boolean {
  return !message.thread_ts || message.thread_ts === message.ts || message.subtype === "thread_broadcast";
}

function find(
  where: Message | View,
  matches: (element: Element) => boolean,
  wanted: string,
): { block: Block; element: Element } {
  const all = (where.blocks ?? []).flatMap((block) => elementsOf(block).map((element) => ({ block, element })));
  const found = all.find(({ element }) => matches(element));
  if (found) return found;
  const offered = all
    .filter(({ element }) => element.action_id)
    .map(({ element }) => `${wordsOf(element.text) ?? element.type} (${element.action_id})`);
  throw new LifeboatError({
    code: "no-such-element",
    what: `There is nothing called “${wanted}” here`,
    allowed: `There is: ${offered.join(", ") || "nothing to press"}`,
  });
}

function filledIn(view: View, values: Values): Filled {
  const inputs = view.blocks.flatMap((block) => elementsOf(block).map((element) => ({ block, element })));
  const filled: Record<string, Record<string, Choice>> = {};
  for (const [key, choice] of Object.entries(values)) {
    const at = inputs.find(({ block, element }) => block.block_id === key || element.action_id === key);
    if (!at)
      throw new LifeboatError({
        code: "no-such-field",
        what: `The form has no field “${key}”`,
        allowed: `It has: ${inputs.map(({ block }) => block.block_id).join(", ")}`,
      });
    filled[at.block.block_id as string] = { [at.element.action_id as string]: choice };
  }
  return filled;
}

/** The words above a form that is shown again; the app names their blocks `refused:…`. */
function whyRefused(blocks: readonly Block[]): string | null {
  const why = blocks.filter(({ block_id: id }) => String(id).startsWith("refused:"));
  return why.length === 0 ? null : why.map(({ text }) => wordsOf(text) ?? "").join("\n");
}

function wordsOf(text: unknown): string | undefined {
  return typeof text === "object" && text !== null ? (text as { text?: string }).text : undefined;
}

function tooLate(what: string, user: string, timeoutMs: number, snapshot: Snapshot): LifeboatError {
  const last = seenBy(snapshot, user)
    .slice(-5)
    .map((one) => `  ${one.user} in ${one.channel}: ${one.text}`);
  return new LifeboatError({
    code: "not-seen",
    what: `${user} did not see ${what} within ${timeoutMs} ms`,
    stateNow: `Last seen:\n${last.join("\n") || "  nothing"}`,
  });
}
