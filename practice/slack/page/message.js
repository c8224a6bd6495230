import { useState } from "preact/hooks";
import { Blocks } from "./blocks.js";
import { emojiOf } from "./emoji.js";
import { html } from "./html.js";
import { Menu } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { act, changed, isReply, state, userOf, whisper } from "./state.js";

/** A person's mark: two letters on their colour; the bot's is its ring. */
export function Avatar({ id, small = false }) {
  const user = userOf(id);
  const size = small ? "avatar small" : "avatar";
  if (id === "USLACKBOT") return html`<span class=${`${size} slackbot`} aria-hidden="true">S</span>`;
  if (user.is_bot) return html`<img class=${size} src="/page/icon.svg" alt="" />`;
  const letters = user.real_name
    .split(" ")
    .map((word) => word[0])
    .join("")
    .slice(0, 2);
  const tone = state.personas.indexOf(id) % 7;
  return html`<span class=${`${size} tone${tone}`} aria-hidden="true">${letters}</span>`;
}

/** What makes this person different from a colleague, in a word. */
export function accountStatusOf(user) {
  if (user.deleted) return "deactivated";
  if (user.is_stranger) return "other company";
  if (user.is_restricted) return "guest";
  return null;
}

export function timeOf(ts) {
  return new Date(Number(ts) * 1000).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** One message. `joined`: under one of the same author, so its head is left out. */
export function Message({ message, joined, inThread }) {
  const [filled, setFilled] = useState({});
  const [failure, setFailure] = useState(null);
  const user = userOf(message.user);
  if (message.subtype && message.subtype !== "thread_broadcast") return html`<${Notice} message=${message} />`;
  const place = { channel: message.channel, ts: message.ts };
  const fill = (block, action, choice) => setFilled({ ...filled, [block]: { ...filled[block], [action]: choice } });
  const time = timeOf(message.ts);
  return html`<article class=${`message ${joined ? "joined" : ""} ${message.only ? "only" : ""} ${message.pinned_to ? "pinned" : ""}`}
    aria-label=${`${user.real_name}, ${time}`} data-ts=${message.ts}>
    ${message.pinned_to && html`<p class="above">📌 Pinned</p>`}
    ${message.subtype === "thread_broadcast" && !inThread && html`<p class="above">replied to a <button type="button" class="link" onClick=${() => openThread(message)}>thread</button></p>`}
    <div class="gutter">${joined ? html`<time class="hover-time">${time}</time>` : html`<${Avatar} id=${message.user} />`}</div>
    <div class="said">
      ${message.only && html`<p class="only-note"><span aria-hidden="true">👁</span> Only visible to you</p>`}
      ${!joined && html`<${Head} user=${user} time=${time} />`}
      ${
        message.blocks?.length
          ? html`<${Blocks} blocks=${message.blocks} place=${place} filled=${filled} fill=${fill} failed=${setFailure} level=${inThread ? 3 : 2} />`
          : html`<div class="words">${mrkdwn(message.text)}</div>`
      }
      ${message.edited && html`<span class="edited">(edited)</span>`}
      ${(message.files ?? []).map((file) => html`<${File} file=${file} />`)}
      ${failure && html`<p class="fault" role="alert">⚠ ${failure.said}</p>`}
      <${Reactions} message=${message} />
      ${!inThread && message.reply_count > 0 && !isReply(message) && html`<${Replies} message=${message} />`}
    </div>
    ${!message.only && html`<${Toolbar} message=${message} inThread=${inThread} />`}
  </article>`;
}

function Head({ user, time }) {
  const standing = accountStatusOf(user);
  return html`<p class="head"><strong>${user.real_name}</strong>
    ${(user.is_bot || user.id === "USLACKBOT") && html`<span class="badge">APP</span>`}
    ${standing && html`<span class="badge warn">${standing}</span>`}
    <time>${time}</time></p>`;
}

function Notice({ message }) {
  const user = userOf(message.user);
  return html`<p class="notice" data-ts=${message.ts}><strong>${user.real_name}</strong> ${mrkdwn(message.text)} <time>${timeOf(message.ts)}</time></p>`;
}

function File({ file }) {
  const size = file.size < 1024 ? `${file.size} bytes` : `${Math.round(file.size / 1024)} kB`;
  return html`<a class="file" href=${new URL(file.url_private, location.href).pathname} download=${file.name}>
    <span class="file-mark" aria-hidden="true">${(file.name.split(".").pop() ?? "").slice(0, 4).toUpperCase()}</span>
    <span><strong>${file.title}</strong><small>${file.name} · ${size} · Download</small></span>
  </a>`;
}

function Reactions({ message }) {
  if (!message.reactions?.length) return null;
  return html`<p class="reactions">
    ${message.reactions.map(
      ({ name, users }) => html`<button type="button" class=${users.includes(state.me) ? "mine" : ""}
      title=${`${users.map((id) => userOf(id).real_name).join(", ")} with :${name}:`} aria-label=${`${name}, ${users.length}`}
      onClick=${() => act({ do: "react", channel: message.channel, ts: message.ts, name })}>${emojiOf(name) ?? `:${name}:`} ${users.length}</button>`,
    )}
  </p>`;
}

function Replies({ message }) {
  const count = message.reply_count;
  return html`<button type="button" class="replies" onClick=${() => openThread(message)}>
    ${(message.reply_users ?? []).slice(0, 4).map((id) => html`<${Avatar} id=${id} small />`)}
    <span>${count} ${count === 1 ? "reply" : "replies"}</span><small>Last at ${timeOf(message.latest_reply)}</small>
  </button>`;
}

function Toolbar({ message, inThread }) {
  const shortcuts = state.shortcuts.filter((one) => one.type === "message");
  const items = [
    ...(inThread ? [] : [{ key: "reply", label: "Reply in thread", pick: () => openThread(message) }]),
    ...["white_check_mark", "eyes"].map((name) => ({
      key: name,
      label: `React ${emojiOf(name)}`,
      pick: () => act({ do: "react", channel: message.channel, ts: message.ts, name }),
    })),
    ...shortcuts.map((one) => ({
      key: one.callback_id,
      label: one.name,
      note: "Lifeboat",
      pick: async () => {
        const outcome = await act({
          do: "shortcut",
          callback: one.callback_id,
          message: { channel: message.channel, ts: message.ts },
        });
        if (!outcome.ok) whisper(message.channel, outcome.said, inThread ? message.thread_ts : undefined);
      },
    })),
  ];
  return html`<div class="toolbar">
    ${
      !inThread &&
      html`<button type="button" aria-label="Reply in thread" title="Reply in thread" onClick=${() => openThread(message)}>
      <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 4h14v9H9l-4 4v-4H3z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" /></svg></button>`
    }
    <${Menu} label="More message actions" face="⋯" items=${items} />
  </div>`;
}

export function openThread(message) {
  state.thread = { channel: message.channel, ts: message.thread_ts ?? message.ts };
  state.screen = "thread";
  changed();
}
