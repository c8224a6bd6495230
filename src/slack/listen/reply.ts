import { CODE_FIELDS } from "../../../templates/messages/approval/forms.ts";
import { formNotOpened, withTyped } from "../../../templates/messages/kit/late.ts";
import type { Form, Message } from "../../../templates/messages/kit/message.ts";
import type { Instead, Reply } from "../../command/command.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { callFailureOf } from "../../sinks/slack/call-failure.ts";
import { limits } from "../../sinks/slack/limits.ts";
import { truncateForm, truncateMessage } from "../../sinks/slack/truncate.ts";
import type { Clients } from "../clients.ts";
import type { Delivery, InteractionHandles } from "./delivery.ts";
import { filledIn, holdsWork, typedIn } from "./reopen.ts";
import { carriedWith } from "./submission.ts";

export interface Replying {
  readonly clients: Clients;
  /** The Web API's address when it is not Slack's: the only other origin a `response_url` may have. */
  readonly apiUrl: string | null;
  readonly log: Logger;
}

/** Brings an answer to the one who asked: privately, as a form, or as a file in the channel. */
export async function reply(
  deps: Replying,
  delivery: Delivery,
  live: InteractionHandles,
  answer: Reply,
): Promise<void> {
  switch (answer.kind) {
    case "nothing":
      return;
    case "private":
      if (!answer.refused) return tell(deps, delivery, answer.message);
      return refuse(deps, delivery, live, answer.message, answer);
    case "form":
      return openForm(deps, delivery, live, answer.form);
    case "file":
      return upload(deps, delivery, answer);
    default:
      answer satisfies never;
  }
}

/**
 * Only this person sees it, where they asked if that is possible, else in a direct message. A press on a reply that stands in the channel
 * as well is answered in both places: the one who looks at one doesn't see the other. `lasting`: a direct message first,
 * for who may not be looking any more; what is shown to one person alone is lost on them.
 */
export async function tell(
  deps: Replying,
  delivery: Delivery,
  message: Message,
  as: "passing" | "lasting" = "passing",
): Promise<void> {
  const said = truncateMessage(message, limits.replyText);
  const passing = [() => respond(deps, delivery, said), () => ephemeral(deps, delivery, said)];
  const lasting = [() => direct(deps, delivery, said)];
  const ways = as === "lasting" ? [...lasting, ...passing] : [...passing, ...lasting];
  const failures: string[] = [];
  for (const way of ways) {
    try {
      if (await way()) return;
    } catch (error) {
      failures.push(callFailureOf(error).says);
    }
  }
  deps.log.warn(
    { event: "slack.not_answered", user: delivery.user, verb: delivery.verb, failures },
    "an answer could not be given",
  );
}

/** Says it where something was pressed and nowhere else: nothing is asked of Slack about who pressed it. Never rejects. */
export async function tellThere(deps: Replying, delivery: Delivery, message: Message): Promise<void> {
  await respond(deps, delivery, truncateMessage(message, limits.replyText)).catch((error) =>
    deps.log.warn({ event: "slack.not_answered", says: messageOf(error) }, "an answer could not be given"),
  );
}

/**
 * Why something was not done. A form is shown again with what was typed in it, or because it may be right when it is sent `again`; where it
 * can't be shown, that is said. `instead`: what it does when it is sent again.
 */
export async function refuse(
  deps: Replying,
  delivery: Delivery,
  live: InteractionHandles | null,
  message: Message,
  { again = false, instead }: { readonly again?: boolean; readonly instead?: Instead } = {},
): Promise<void> {
  const form = live?.form;
  if (form === undefined || !(again || holdsWork(form, CODE_FIELDS))) return tell(deps, delivery, message);
  try {
    await showForm(deps, delivery, form.trigger, filledIn(form, message, CODE_FIELDS, delivery.carries ?? "", instead));
    // A button can't stand in the form: pressed there, it would take the place of what was typed.
    if (instead === undefined && message.blocks.some(({ type }) => type === "actions"))
      await tell(deps, delivery, message);
  } catch (error) {
    deps.log.warn(
      { event: "slack.form_not_reopened", verb: delivery.verb, says: callFailureOf(error).says },
      "a refused form could not be shown again",
    );
    await tell(deps, delivery, withTyped(message, typedIn(form, CODE_FIELDS)));
  }
}

async function showForm(deps: Replying, delivery: Delivery, trigger: string, form: Form): Promise<void> {
  const view = truncateForm(form, carriedWith(form, delivery));
  await deps.clients.act.views.open({
    trigger_id: trigger,
    view: view as unknown as Parameters<typeof deps.clients.act.views.open>[0]["view"],
  });
}

type Said = ReturnType<typeof truncateMessage>;
type Way = Promise<boolean>;

async function respond({ apiUrl }: Replying, delivery: Delivery, said: Said): Way {
  if (delivery.responseUrl === null || !isSlacks(delivery.responseUrl, apiUrl)) return false;
  const url = delivery.responseUrl;
  return inEach(delivery, async (thread) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        response_type: "ephemeral",
        replace_original: false,
        ...said,
        ...(thread !== null && { thread_ts: thread }),
      }),
      redirect: "error",
      signal: AbortSignal.timeout(2500),
    });
    return response.ok;
  });
}

async function ephemeral({ clients }: Replying, delivery: Delivery, said: Said): Way {
  const { channel, user } = delivery;
  if (channel === null) return false;
  return inEach(delivery, async (thread) => {
    await clients.act.chat.postEphemeral({
      channel,
      user,
      ...(thread !== null && { thread_ts: thread }),
      ...said,
    } as unknown as Parameters<typeof clients.act.chat.postEphemeral>[0]);
    return true;
  });
}

/** Says it wherever the press may have been made. True: it is said in at least one place. */
async function inEach({ thread, broadcast }: Delivery, say: (thread: string | null) => Way): Way {
  const places = broadcast ? [null, thread] : [thread];
  const said = await Promise.allSettled(places.map(say));
  if (said.some((one) => one.status === "fulfilled" && one.value)) return true;
  for (const one of said) if (one.status === "rejected") throw one.reason;
  return false;
}

async function direct({ clients }: Replying, { user }: Delivery, said: Said): Way {
  const { channel } = await clients.act.conversations.open({ users: user });
  if (!channel?.id) return false;
  await clients.bulk.chat.postMessage({ channel: channel.id, unfurl_links: false, ...said } as unknown as Parameters<
    typeof clients.bulk.chat.postMessage
  >[0]);
  return true;
}

async function openForm(
  deps: Replying,
  delivery: Delivery,
  live: InteractionHandles,
  form: Extract<Reply, { kind: "form" }>["form"],
) {
  if (live.view !== null) return replaceForm(deps, delivery, live.view, form);
  if (live.trigger === null) return tell(deps, delivery, formNotOpened(form.title));
  try {
    await showForm(deps, delivery, live.trigger, form);
  } catch (error) {
    deps.log.warn(
      { event: "slack.form_not_opened", verb: delivery.verb, says: callFailureOf(error).says },
      "a form could not be opened",
    );
    await tell(deps, delivery, formNotOpened(form.title));
  }
}

/** Draws an open form again; what was typed stays where the ids stay. It may have been closed meanwhile, and then nothing is said. */
async function replaceForm(deps: Replying, delivery: Delivery, id: string, form: Form) {
  try {
    const view = truncateForm(form, carriedWith(form, delivery));
    await deps.clients.act.views.update({
      view_id: id,
      view: view as unknown as Parameters<typeof deps.clients.act.views.update>[0]["view"],
    });
  } catch (error) {
    deps.log.info(
      { event: "slack.form_not_updated", verb: delivery.verb, says: callFailureOf(error).says },
      "an open form could not be updated",
    );
  }
}

/** Into the channel it belongs to; who asked elsewhere is told where it is. */
async function upload(deps: Replying, delivery: Delivery, file: Extract<Reply, { kind: "file" }>): Promise<void> {
  const here = file.confidential ? await directTo(deps, delivery) : delivery.channel;
  const channel = file.channel ?? here;
  if (channel === null) return tell(deps, delivery, file.message);
  const elsewhere = channel !== delivery.channel;
  try {
    const answer = (await deps.clients.bulk.filesUploadV2({
      channel_id: channel,
      file_uploads: [file, ...(file.beside ?? [])].map(({ name, content }) => ({
        filename: name,
        title: name,
        ...(typeof content === "string" ? { content } : { file: Buffer.from(content) }),
      })),
      initial_comment: truncateMessage(file.message).text,
      ...(delivery.thread !== null && !delivery.broadcast && !elsewhere && { thread_ts: delivery.thread }),
    } as Parameters<typeof deps.clients.bulk.filesUploadV2>[0])) as Uploaded;
    if (!elsewhere) return;
    const link = answer.files?.[0]?.files?.[0]?.permalink;
    const where = link === undefined ? file.name : `<${link}|${file.name}>`;
    await tell(deps, delivery, { text: `${file.message.text}\n${where} is in <#${channel}>.`, blocks: [] });
  } catch (error) {
    const why = messageOf(error);
    deps.log.warn({ event: "slack.file_not_uploaded", verb: delivery.verb, says: why }, "a file could not be uploaded");
    if (file.channel !== null && here !== null && here !== file.channel)
      return upload(deps, delivery, { ...file, channel: here });
    const text = `${file.message.text}\nThe file ${file.name} could not be put into this channel (${why}).`;
    await tell(deps, delivery, { text, blocks: [] });
  }
}

/** Null: the account takes no direct messages. */
async function directTo({ clients }: Replying, { user }: Delivery): Promise<string | null> {
  const opened = await clients.act.conversations.open({ users: user }).catch(() => null);
  return opened?.channel?.id ?? null;
}

interface Uploaded {
  readonly files?: readonly { readonly files?: readonly { readonly permalink?: string }[] }[];
}

/** Where Slack's own response URLs are; anything else is not spoken to. */
function isSlacks(url: string, apiUrl: string | null): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, hostname, protocol } = new URL(url);
  if (apiUrl !== null) return origin === new URL(apiUrl).origin;
  return protocol === "https:" && (hostname === "hooks.slack.com" || hostname === "hooks.slack-gov.com");
}
