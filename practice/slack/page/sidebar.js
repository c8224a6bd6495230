import { html } from "./html.js";
import { Menu } from "./menu.js";
import { Avatar, accountStatusOf } from "./message.js";
import { become, changed, channelName, go, newsIn, state, userOf } from "./state.js";

/** The persona switcher, channels, direct messages and the app. */
export function Sidebar() {
  const { channels, me, place } = state;
  const seen = channels.filter((one) => !one.archived && (one.kind === "public" || one.members.includes(me)));
  const named = seen
    .filter((one) => one.kind === "public" || one.kind === "private")
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  const direct = seen.filter((one) => one.kind === "im" || one.kind === "mpim");
  return html`<nav class="sidebar" aria-label="Channels">
    <${Switcher} />
    <div class="sidebar-scroll">
      <h2>Channels</h2>
      <ul>${named.map((channel) => html`<${Entry} channel=${channel} key=${channel.id} />`)}</ul>
      <h2>Apps</h2>
      <ul>
        <li><button type="button" class=${`entry ${place.kind === "home" ? "current" : ""}`} aria-current=${place.kind === "home" ? "page" : undefined}
          onClick=${() => go({ kind: "home" })}><img class="avatar small" src="/page/icon.svg" alt="" /><span class="entry-name">Lifeboat</span><small>Home</small></button></li>
        ${direct.map((channel) => html`<${Entry} channel=${channel} key=${channel.id} />`)}
      </ul>
    </div>
    <${Tools} />
  </nav>`;
}

function Switcher() {
  const user = userOf(state.me);
  const items = state.personas.map((id) => {
    const one = userOf(id);
    return {
      key: id,
      label: one.real_name,
      note: one.profile.title,
      mark: html`<${Avatar} id=${id} />`,
      current: id === state.me,
      pick: () => become(id),
    };
  });
  const standing = accountStatusOf(user);
  const face = html`<span class="visually-hidden">You are </span><${Avatar} id=${user.id} /><span class="who"><strong>${user.real_name}</strong> <small>${user.profile.title}</small></span><span class="visually-hidden">. Change who you are</span><span aria-hidden="true">▾</span>`;
  return html`<div class=${`switcher ${standing ? "limited" : ""}`}>
    <p class="switcher-label" aria-hidden="true">You are</p>
    <${Menu} label=${`You are ${user.real_name} ${user.profile.title}. Change who you are`} face=${face} className="switch" items=${items} says />
  </div>`;
}

function Entry({ channel }) {
  const current = state.place.kind === "channel" && state.place.channel === channel.id;
  const { unread, mentions } = newsIn(channel);
  const mark = { public: "#", private: "🔒", im: "", mpim: "👥" }[channel.kind];
  return html`<li><button type="button" class=${`entry ${current ? "current" : ""} ${unread && !current ? "unread" : ""}`} aria-current=${current ? "page" : undefined}
    onClick=${() => go({ kind: "channel", channel: channel.id })}>
    ${channel.kind === "im" ? html`<${Avatar} id=${channel.members.find((one) => one !== state.me) ?? state.me} small />` : html`<span class="hash" aria-hidden="true">${mark}</span>`}
    <span class="entry-name">${channelName(channel)}</span>
    ${channel.kind === "im" && html`<small>Messages</small>`}
    ${unread && !current && mentions === 0 && html`<span class="visually-hidden">unread</span>`}
    ${mentions > 0 && !current && html`<span class="count" aria-label=${`${mentions} for you`}>${mentions}</span>`}
  </button></li>`;
}

/** Opens the side panel's tabs; on a phone the only way to them. */
function Tools() {
  const tabs = sideTabs();
  return html`<div class="tools">
    ${tabs.map(
      (
        tab,
      ) => html`<button type="button" class=${state.side === tab.id ? "current" : ""} aria-pressed=${state.side === tab.id}
      onClick=${() => {
        state.side = state.side === tab.id && innerWidth > 760 ? null : tab.id;
        state.screen = state.side ? "side" : "main";
        changed();
      }}>${tab.title}</button>`,
    )}
  </div>`;
}

/** @returns {{ id: string, title: string }[]} */
export function sideTabs() {
  return [
    ...state.panels.map((panel) => ({ id: panel.url, title: panel.title })),
    { id: "inspector", title: "Inspector" },
    { id: "faults", title: "Faults" },
  ];
}

function rank(channel) {
  return channel.id === "CINCIDENT" ? 0 : channel.name.startsWith("inc-") ? 1 : 2;
}
