import type { AllMiddlewareArgs, App, BlockAction, SlackEventMiddlewareArgs } from "@slack/bolt";
import { JOINED } from "../../templates/messages/kit/action-value.ts";
import { cut } from "../../templates/messages/kit/escape.ts";
import { tooLate } from "../../templates/messages/kit/late.ts";
import type { FormErrors, Reply, Request, SentForm } from "../command/command.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { type Redact, redactAll } from "../lib/redact.ts";
import type { Inbox } from "../timeline/contract.ts";
import { createBusy } from "./busy.ts";
import { takeAction } from "./listen/action.ts";
import { COMMAND, takeCommand } from "./listen/command.ts";
import type { Delivery, Interaction, InteractionHandles, ReadLine } from "./listen/delivery.ts";
import { type Joined, takeJoined } from "./listen/joined.ts";
import { type Mention, takeMention } from "./listen/mention.ts";
import { fieldsOf, requiredIn } from "./listen/reopen.ts";
import { type Replying, refuse, reply, tell } from "./listen/reply.ts";
import { SHORTCUTS, takeShortcut } from "./listen/shortcut.ts";
import { takeSubmission } from "./listen/submission.ts";
import { CLAIM_SECONDS, createWorker, type Worker } from "./listen/worker.ts";
import type { People } from "./people.ts";

/** Events asked for in `manifest.yml`. */
export const EVENTS = [
  "app_mention",
  "app_home_opened",
  "app_uninstalled",
  "member_joined_channel",
  "tokens_revoked",
] as const;

export interface ListenOptions extends Replying {
  readonly inbox: Inbox;
  readonly people: People;
  readonly answer: (request: Request) => Promise<Reply>;
  readonly readLine: ReadLine;
  /** What is wrong in a form, said before it closes. Waits for nothing. */
  readonly checkForm: (sent: SentForm, required: readonly string[]) => FormErrors;
  /** The system an incident's channel belongs to, and its link to a message. */
  readonly systemAt: (channel: string) => Promise<string | null>;
  readonly homeOpened: (user: string) => Promise<void>;
  /** This bot was brought into a channel. */
  readonly invited: (channel: string) => Promise<void>;
  /** This bot's own user, once Slack has said it. */
  readonly itself: () => string | null;
  readonly onLockedOut: (says: string) => void;
  /** Someone asks so often that they are not heard; counted. */
  readonly tooOften: (user: string) => Promise<unknown>;
  /** Takes out secrets that people paste, before anything is kept or answered. */
  readonly redact: Redact;
  /** The store's clock. */
  readonly now: () => Date;
  readonly log: Logger;
  readonly pollMs?: number;
}

export interface Listener {
  register(app: App): void;
  /** Before Bolt acknowledges an event: what has to be durable by then. */
  keepEvent(body: Record<string, unknown>): Promise<void>;
  readonly worker: Worker;
}

/** Slack waits 3 s for an acknowledgement; a row that takes longer than this is not waited for. */
const KEEP_SECONDS = 1;
const TOO_OFTEN =
  "You are asking faster than Lifeboat answers one person. Nothing was done. It answers you again within ten minutes; the `lifeboat` command line works meanwhile.";
const NOT_KEPT =
  "Lifeboat could not write this down, so nothing was done. Please try again, or use the `lifeboat` command line.";

/**
 * What people do in Slack becomes requests: a durable row, then the acknowledgement, then the answer. The row's key is the
 * same for every delivery that means the same, so a repeat is acknowledged and changes nothing.
 */
export function createListener(options: ListenOptions): Listener {
  const { inbox, log, readLine } = options;
  const busy = createBusy();
  const worker = createWorker({
    inbox,
    log,
    handle: async (key, delivery, live) => {
      const heard = busy.ask(delivery.user, options.people.isListed(delivery.user));
      if (heard === "heard") return handle(options, key, delivery, live);
      await options.tooOften(delivery.user);
      if (heard !== "too often, first" && live?.form === undefined) return;
      await refuse(options, delivery, live, { text: TOO_OFTEN, blocks: [] });
    },
    now: options.now,
    tooOld: (delivery, now) => refuseOld(options, delivery, now),
    ...(options.pollMs !== undefined && { pollMs: options.pollMs }),
  });

  /** True: it is kept (now, or by an earlier delivery of the same). */
  async function keep(taken: Interaction): Promise<"new" | "known" | "not kept"> {
    const written = inbox.receive(taken.key, taken.kind, taken.delivery, CLAIM_SECONDS);
    try {
      return (await withDeadline("The inbox", KEEP_SECONDS, () => written)) ? "new" : "known";
    } catch (error) {
      log.error(
        { event: "slack.delivery_not_kept", err: error, kind: taken.kind },
        "a delivery from slack could not be recorded",
      );
      // Should the write arrive after all, it is not done: its sender was told so.
      void written.then((late) => (late ? inbox.done(taken.key) : undefined)).catch(() => {});
      return "not kept";
    }
  }

  /** What stands wrong in a form, as far as it can be said within the time Slack waits; null: it goes on. */
  function errorsIn(taken: Interaction | null): object | null {
    const sent = taken?.live.form;
    const { verb, carries, form } = taken?.delivery ?? {};
    if (sent === undefined || verb === undefined || form == null) return null;
    const fields = fieldsOf(sent);
    const wrong = Object.entries(options.checkForm({ verb, actionValue: carries ?? "", form }, requiredIn(sent)));
    // Slack refuses an error at a field the form has not.
    const errors = wrong.filter(([field]) => fields.includes(field)).map(([field, says]) => [field, cut(says, 250)]);
    return errors.length === 0 ? null : { response_action: "errors", errors: Object.fromEntries(errors) };
  }

  const clean = <T extends Interaction | null>(taken: T): T =>
    taken === null ? taken : { ...taken, delivery: redactAll(taken.delivery, options.redact) };

  /** The one way in for what people type and press. */
  async function receive(
    heard: Interaction | null,
    ack: (said?: unknown) => Promise<void>,
    refusal: unknown,
  ): Promise<void> {
    const taken = clean(heard);
    if (taken === null) return ack();
    const kept = await keep(taken);
    if (kept === "not kept") {
      if (refusal !== undefined) return ack(refusal);
      // A press has no answer that could say it. Unacknowledged, Slack itself marks it as failed, also where the words don't get through.
      void tell(options, taken.delivery, { text: NOT_KEPT, blocks: [] });
      return;
    }
    // An acknowledgement that does not get through does not undo what is written: it is handled and answered all the same.
    await ack().catch((error) =>
      log.warn({ event: "slack.ack_lost", err: error }, "an acknowledgement did not reach slack"),
    );
    if (kept === "new") worker.now(taken);
  }

  return {
    worker,
    register(app) {
      app.command(COMMAND, ({ body, ack }) =>
        receive(takeCommand(body, readLine), ack as Ack, { response_type: "ephemeral", text: NOT_KEPT }),
      );
      app.action(/[\s\S]*/, ({ body, ack }) =>
        receive(body.type === "block_actions" ? takeAction(body as BlockAction) : null, ack as Ack, undefined),
      );
      app.view({ type: "view_submission", callback_id: /[\s\S]*/ }, ({ body, ack }) => {
        const taken = body.type === "view_submission" ? takeSubmission(body) : null;
        const wrong = errorsIn(taken);
        if (wrong !== null) return (ack as Ack)(wrong);
        const [first] = taken?.live.form === undefined ? [] : fieldsOf(taken.live.form);
        const refusal = first === undefined ? undefined : { response_action: "errors", errors: { [first]: NOT_KEPT } };
        return receive(taken, ack as Ack, refusal);
      });
      // Closed forms and menus that ask for their options: nothing here wants them, and Slack wants an answer.
      app.view({ type: "view_closed", callback_id: /[\s\S]*/ }, ({ ack }) => ack());
      app.options(/[\s\S]*/, ({ ack }) => ack({ options: [] }));
      for (const callback of Object.keys(SHORTCUTS))
        app.shortcut(callback, ({ body, ack }) =>
          receive(
            body.type === "shortcut" || body.type === "message_action" ? takeShortcut(body) : null,
            ack as Ack,
            undefined,
          ),
        );
      app.event("app_home_opened", async ({ event }) => {
        if (event.tab === "home") await options.homeOpened(event.user);
      });
      const lockedOut = async ({ event }: SlackEventMiddlewareArgs & AllMiddlewareArgs) =>
        options.onLockedOut(`Slack says ${event.type}.`);
      app.event("app_uninstalled", lockedOut as never);
      app.event("tokens_revoked", lockedOut as never);
      // Mentions were kept before they were acknowledged; listening for them keeps Bolt from calling them unhandled.
      app.event("app_mention", async () => {});
      app.event("member_joined_channel", async () => {});
    },
    async keepEvent(body) {
      const taken = clean(await heard(options, body.event as { type?: string } | undefined));
      if (taken === null) return;
      const kept = await keep(taken);
      if (kept === "not kept") throw new Error("A mention could not be written down; Slack is left to send it again.");
      if (kept === "new") worker.now(taken);
    },
  };
}

type Ack = (said?: unknown) => Promise<void>;

/** An event that asks for something: words to the bot, or someone who comes late into an incident's channel. */
async function heard(options: ListenOptions, event: { type?: string } | undefined): Promise<Interaction | null> {
  if (event?.type === "app_mention")
    return takeMention(event as unknown as Mention, options.readLine, options.itself());
  if (event?.type !== "member_joined_channel") return null;
  const joined = event as unknown as Joined;
  if (joined.user !== undefined && joined.user === options.itself())
    await options.invited(joined.channel).catch(() => {});
  // Whom the bot brings in knows why.
  const taken = joined.inviter !== undefined && joined.inviter === options.itself() ? null : takeJoined(joined);
  // The one who comes in while the store is away misses an offer, and can still ask for it.
  const system = taken && (await options.systemAt(taken.delivery.channel ?? "").catch(() => null));
  return system === null ? null : taken;
}

/** `live` is null when another process, or a later attempt, handles it: then no form can be opened. */
async function handle(
  options: ListenOptions,
  key: string,
  delivery: Delivery,
  live: InteractionHandles | null,
): Promise<void> {
  const { channel, thread, user, verb } = delivery;
  const system = channel === null ? null : await options.systemAt(channel);
  const [caller, link] = await Promise.all([
    options.people.caller(user, { channel, system }),
    linkTo(options, delivery),
  ]);
  // No one asked, so no one is refused either: a guest, or this bot itself.
  if (delivery.carries === JOINED && caller.blocked !== null) return;
  const request: Request = {
    verb,
    words: delivery.words,
    options: delivery.options,
    rest: delivery.rest,
    caller,
    key,
    place: { channel, thread },
    form: delivery.form === null ? null : { ...delivery.form, ...(link !== null && { link }) },
    actionValue: delivery.carries,
    canAskForm: live?.trigger != null || live?.view != null,
    ...(delivery.tooLong && { tooLong: true as const }),
    ...(delivery.mention && { mention: delivery.mention }),
  };
  const answered = await options.answer(request);
  await reply(options, delivery, live ?? { trigger: null, view: null }, answered);
}

async function linkTo({ clients, log }: ListenOptions, { about }: Delivery): Promise<string | null> {
  if (about === null) return null;
  try {
    const { permalink } = await clients.ask.chat.getPermalink({ channel: about.channel, message_ts: about.ts });
    return permalink ?? null;
  } catch (error) {
    log.warn({ event: "slack.link_unknown", says: messageOf(error) }, "the link of a message could not be read");
    return null;
  }
}

/** Someone who came late into a channel asked for nothing, so there is nothing to refuse. */
async function refuseOld(options: ListenOptions, delivery: Delivery, now: Date): Promise<void> {
  options.log.warn(
    { event: "slack.delivery_too_old", user: delivery.user, verb: delivery.verb, doneAt: delivery.doneAt },
    "a delivery from slack is too old to be done",
  );
  if (delivery.carries === JOINED) return;
  const typed = delivery.carries === null && delivery.form === null ? `${delivery.verb} ${delivery.rest}`.trim() : null;
  const doneAt = delivery.doneAt === undefined ? null : new Date(delivery.doneAt);
  await tell(options, delivery, tooLate({ typed, doneAt, now }), "lasting");
}
