import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Canvas, openCanvas } from "./canvas.js";
import { Composer } from "./composer.js";
import { html } from "./html.js";
import { Message, timeOf } from "./message.js";
import { link, mrkdwn, plain } from "./mrkdwn.js";
import { changed, channelName, channelOf, inChannel, isReply, markRead, state, userOf, visibleIn } from "./state.js";

/** The open channel: what it is called, its bookmarks, what was said, and where to type. */
export function Channel({ id }) {
  const channel = channelOf(id);
  const said = visibleIn(id).filter(inChannel);
  useEffect(() => markRead(id));
  if (!channel) return html`<section class="pane main"><p class="empty">This channel is not there.</p></section>`;
  const isIm = channel.kind === "im";
  const member = channel.members.includes(state.me);
  return html`<section class="pane main" aria-label=${`Channel ${channelName(channel)}`}>
    <header class="pane-head">
      <${Back} to="sidebar" />
      <div class="title">
        <h1>${isIm ? "" : html`<span class="hash">${channel.kind === "private" ? "🔒" : "#"}</span>`}${channelName(channel)}</h1>
        ${channel.topic.value && html`<p class="topic" title=${channel.topic.value}>${mrkdwn(channel.topic.value)}</p>`}
      </div>
      ${channel.shared && html`<span class="badge warn">shared</span>`}
      ${!isIm && html`<span class="members" title=${channel.members.map((one) => userOf(one).real_name).join(", ")}>${channel.members.length}<span class="wide"> people</span></span>`}
    </header>
    <${Bookmarks} channel=${channel} />
    ${state.canvas === id && html`<${Canvas} channel=${id} />`}
    <${Said} messages=${said} label=${`Messages in ${channelName(channel)}`} key=${`${id} ${state.me}`}>
      ${id === "CINCIDENT" && state.tour === null && said.filter((one) => !one.subtype).length === 0 && html`<${FirstHint} channel=${id} />`}
    <//>
    ${!member && !isIm && html`<p class="not-member">${userOf(state.me).real_name} is not in this channel. Slack would not let them write here; practice does.</p>`}
    ${
      channel.archived
        ? html`<p class="not-member">This channel is archived.</p>`
        : html`<${Composer} key=${`${id} ${state.me}`} channel=${id} />`
    }
  </section>`;
}

/** The open thread. */
export function Thread() {
  const { channel: id, ts } = state.thread;
  const channel = channelOf(id);
  const all = visibleIn(id).filter((one) => one.ts === ts || (isReply(one) && one.thread_ts === ts));
  const pane = useRef(null);
  const shut = () => {
    state.thread = null;
    state.screen = "main";
    changed();
    // Back to where it was opened, once that is shown again.
    requestAnimationFrame(() =>
      /** @type {HTMLElement} */ (document.querySelector(`main [data-ts="${ts}"] .replies`))?.focus(),
    );
  };
  useEffect(() => pane.current.querySelector("[role=log]").focus({ preventScroll: true }), [ts]);
  return html`<section class="pane thread" aria-label="Thread" ref=${pane} onKeyDown=${(event) => event.key === "Escape" && !event.defaultPrevented && shut()}>
    <header class="pane-head">
      <${Back} to="main" shut=${shut} />
      <div class="title"><h2>Thread</h2><p class="topic">${channel && channelName(channel) ? `#${channelName(channel)}` : ""}</p></div>
      <button type="button" class="icon close" aria-label="Close thread" onClick=${shut}>✕</button>
    </header>
    <${Said} messages=${all} label="Thread" inThread key=${`${ts} ${state.me}`} />
    <${Composer} key=${`${ts} ${state.me}`} channel=${id} thread=${ts} />
  </section>`;
}

/** A phone's way back to the screen before. */
export function Back({ to, shut }) {
  return html`<button type="button" class="icon back" aria-label="Back"
    onClick=${() => {
      if (shut) shut();
      state.screen = to;
      changed();
    }}>‹</button>`;
}

function Said({ messages, label, inThread = false, children }) {
  const box = useRef(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  });
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < 60;
  };
  return html`<div class="said-list" ref=${box} onScroll=${scrolled} role="log" aria-live="polite" aria-label=${label} tabindex="0">
    <div class="said-end">
      ${children}
      ${messages.map((message, i) => {
        const before = messages[i - 1];
        const newDay = dayOf(before) !== dayOf(message);
        const joined = !newDay && !(inThread && i === 1) && follows(before, message);
        return html`${newDay && !inThread && html`<p class="day"><span>${dayOf(message)}</span></p>`}
          <${Message} key=${message.ts} message=${message} joined=${joined} inThread=${inThread} />
          ${inThread && i === 0 && messages.length > 1 && html`<p class="day"><span>${messages.length - 1} ${messages.length === 2 ? "reply" : "replies"}</span></p>`}`;
      })}
    </div>
  </div>`;
}

/** Said by the same person within five minutes, so one head is enough. */
function follows(before, message) {
  if (!before || before.user !== message.user || before.subtype || message.subtype || before.only !== message.only)
    return false;
  if (message.pinned_to || before.reply_count) return false;
  return Number(message.ts) - Number(before.ts) < 300;
}

function dayOf(message) {
  return (
    message &&
    new Date(Number(message.ts) * 1000).toLocaleDateString("en", { weekday: "long", month: "long", day: "numeric" })
  );
}

function Bookmarks({ channel }) {
  const marks = state.bookmarks[channel.id] ?? [];
  const pins = state.pins[channel.id] ?? [];
  const canvas = state.canvases[channel.id];
  if (marks.length + pins.length === 0 && !canvas) return null;
  const said = visibleIn(channel.id);
  const pinned = pins.map((pin) => said.find((one) => one.ts === pin.ts)).filter(Boolean);
  return html`<nav class="bookmarks" aria-label="Bookmarks and pins">
    ${
      pinned.length > 0 &&
      html`<details class="pins"><summary>📌 ${pinned.length} pinned</summary>
      <ul>${pinned.map(
        (
          one,
        ) => html`<li><button type="button" class="link" onClick=${() => document.querySelector(`[data-ts="${one.ts}"]`)?.scrollIntoView({ block: "center" })}>
        ${timeOf(one.ts)} ${plain(one.text.slice(0, 90))}</button></li>`,
      )}</ul></details>`
    }
    ${canvas && html`<button type="button" class="link canvas-tab" onClick=${() => openCanvas(channel.id)}>📄 ${canvas.title}</button>`}
    ${marks.map((mark) => link(mark.link, plain(`${mark.emoji ? `${mark.emoji} ` : ""}${mark.title}`)))}
  </nav>`;
}

function FirstHint({ channel }) {
  const type = () => document.dispatchEvent(new CustomEvent("compose", { detail: { channel, text: state.hint } }));
  const what = state.hint.includes("failover")
    ? "Suppose something has to be failed over. Type this, and follow what Lifeboat says:"
    : "Suppose something is failing. Type this, and Lifeboat says what can be done:";
  return html`<div class="first-hint">
    <p><strong>Welcome to practice.</strong> Everything here runs on this machine, and nothing you break is real.</p>
    <p>${what}</p>
    <p><button type="button" class="command" onClick=${type}>${state.hint}</button></p>
    <p class="hint">You can't approve your own request: become another person <span class="wide">at the top left</span><span class="narrow">behind ‹, at the top</span> to approve.</p>
  </div>`;
}
