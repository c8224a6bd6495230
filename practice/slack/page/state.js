import { useEffect, useState } from "preact/hooks";

/**
 * What the page knows: the workspace as the server tells it, and where this reader is looking.
 * @typedef {Record<string, any>} Json
 */

/** @type {Json} */
export const state = {
  ready: false,
  connected: false,
  users: [],
  channels: [],
  personas: [],
  commands: [],
  shortcuts: [],
  panels: [],
  groups: [],
  /** What a newcomer is told to type first. */
  hint: "/dr",
  /** @type {Map<string, Json[]>} channel → messages by time */
  messages: new Map(),
  pins: {},
  bookmarks: {},
  canvases: {},
  modals: {},
  homes: {},
  faults: {},
  /** @type {Json[]} */
  inspected: [],
  me: sessionStorage.getItem("persona") ?? "UALEX",
  /** `channel`, `home` */
  place: { kind: "channel", channel: "CINCIDENT" },
  thread: null,
  /** The channel whose canvas is open. */
  canvas: null,
  side: null,
  /** Which pane a phone shows: `sidebar`, `main`, `thread`, `side`. */
  screen: "main",
  /** `${persona} ${channel}` → last ts seen */
  read: new Map(),
  confirm: null,
  /** Panes are screens, one at a time. */
  phone: false,
  /** The step of the tour that is shown, or null. */
  tour: null,
};

const listeners = new Set();

/** Draws every component that uses the world again. */
export function changed() {
  for (const listener of listeners) listener();
}

export function usePageState() {
  const [, turn] = useState(0);
  useEffect(() => {
    const listener = () => turn((n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return state;
}

const narrow = matchMedia("(max-width: 760px)");
state.phone = narrow.matches;
narrow.addEventListener("change", () => {
  state.phone = narrow.matches;
  changed();
});

/** A panel that changes what the bot works on says what is typed first from then on. */
document.addEventListener("hint", (event) => {
  state.hint = /** @type {CustomEvent} */ (event).detail;
  changed();
});

/** Reads everything, then follows what changes. Done again after each loss of the connection. */
export function follow() {
  const source = new EventSource("/control/events");
  /** What happens while everything is read waits here, so that it is neither missed nor overwritten. */
  let held = [];
  source.onopen = async () => {
    held = [];
    await load();
    for (const change of held) apply(change);
    held = null;
    state.connected = true;
    changed();
  };
  source.onerror = () => {
    state.connected = false;
    changed();
  };
  source.onmessage = ({ data }) => {
    const change = JSON.parse(data);
    if (held) held.push(change);
    else apply(change);
  };
}

async function load() {
  const [fetched, inspected] = await Promise.all(
    ["state", "inspector"].map(async (what) => (await fetch(`/control/${what}`)).json()),
  );
  const first = !state.ready;
  for (const key of [
    "users",
    "channels",
    "personas",
    "commands",
    "shortcuts",
    "panels",
    "groups",
    "pins",
    "bookmarks",
    "canvases",
    "modals",
    "homes",
    "faults",
    "hint",
  ])
    state[key] = fetched[key];
  state.inspected = inspected;
  const mine = [...state.messages.values()].flat().filter((message) => message.only);
  state.messages = new Map();
  // Ephemerals live only in the page that saw them come: a reload loses them, as in Slack.
  for (const message of [...fetched.messages, ...mine]) put(message);
  if (first) {
    for (const persona of state.personas)
      for (const channel of state.channels) state.read.set(`${persona} ${channel.id}`, latest(channel.id));
    const [, channel] = /^\/archives\/([A-Z0-9]+)/.exec(location.pathname) ?? [];
    if (channel && channelOf(channel)) state.place = { kind: "channel", channel };
    if (!state.personas.includes(state.me)) state.me = state.personas[0];
    if (state.panels.length > 0 && innerWidth >= 1200) state.side = state.panels[0].url;
  }
  state.ready = true;
}

/** @param {Json} change */
function apply(change) {
  switch (change.kind) {
    case "message":
      put(change.message);
      break;
    case "deleted":
      state.messages.set(
        change.channel,
        messagesIn(change.channel).filter((one) => one.ts !== change.ts),
      );
      break;
    case "channel":
      state.channels = [...state.channels.filter((one) => one.id !== change.channel.id), change.channel];
      break;
    case "bookmarks":
      state.pins[change.channel] = change.pins;
      state.bookmarks[change.channel] = change.bookmarks;
      if (change.canvas) state.canvases[change.channel] = change.canvas;
      break;
    case "modal":
      state.modals = { ...state.modals, [change.user]: change.stack };
      break;
    case "home":
      state.homes = { ...state.homes, [change.user]: change.view };
      break;
    case "inspected":
      if (change.faults) state.faults = change.faults;
      state.inspected = [...state.inspected.filter((one) => one.n !== change.entry.n), change.entry].slice(-500);
      break;
    case "faults":
      state.faults = change.faults;
      break;
  }
  soon();
}

let planned = false;
/** Many changes of one moment are drawn once. */
function soon() {
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    changed();
  });
}

function put(message) {
  const said = messagesIn(message.channel).filter((one) => one.ts !== message.ts);
  said.push(message);
  said.sort((a, b) => (a.ts < b.ts ? -1 : 1));
  state.messages.set(message.channel, said);
}

export function messagesIn(channel) {
  return state.messages.get(channel) ?? [];
}

/** What I see of a channel: everyone's messages and the ephemerals that are for me. */
export function visibleIn(channel) {
  return messagesIn(channel).filter((one) => !one.only || one.only === state.me);
}

export function isReply(message) {
  return message.thread_ts && message.thread_ts !== message.ts;
}

export function inChannel(message) {
  return !isReply(message) || message.subtype === "thread_broadcast";
}

export function userOf(id) {
  return (
    state.users.find((user) => user.id === id) ?? {
      id,
      name: id,
      real_name: id === "USLACKBOT" ? "Slackbot" : id,
      profile: {},
    }
  );
}

export function channelOf(id) {
  return state.channels.find((channel) => channel.id === id);
}

export function channelName(channel) {
  if (channel.kind !== "im") return channel.name;
  return userOf(channel.members.find((one) => one !== state.me) ?? state.me).real_name;
}

function latest(channel) {
  return messagesIn(channel).at(-1)?.ts ?? "0";
}

export function markRead(channel) {
  state.read.set(`${state.me} ${channel}`, latest(channel));
}

/** @returns {{ unread: boolean, mentions: number }} */
export function newsIn(channel) {
  const read = state.read.get(`${state.me} ${channel.id}`) ?? "0";
  const news = visibleIn(channel.id).filter((one) => one.ts > read && one.user !== state.me && !one.subtype);
  const forMe = news.filter(
    (one) => channel.kind === "im" || JSON.stringify([one.text, one.blocks]).includes(`<@${state.me}`),
  );
  return { unread: news.length > 0, mentions: forMe.length };
}

export function go(place, screen = "main") {
  state.place = place;
  state.thread = null;
  state.screen = screen;
  changed();
  if (place.kind === "home") act({ do: "home" });
}

export function become(persona) {
  state.me = persona;
  sessionStorage.setItem("persona", persona);
  state.thread = null;
  const channel = state.place.kind === "channel" && channelOf(state.place.channel);
  if (channel && channel.kind !== "public" && !channel.members.includes(persona))
    state.place = { kind: "channel", channel: "CINCIDENT" };
  if (state.place.kind === "home") act({ do: "home" });
  changed();
}

/** Does something as the current persona. @param {Json} deed @returns {Promise<Json>} the outcome */
export async function act(userAction) {
  const me = state.me;
  try {
    return await send(`/control/as/${me}`, userAction);
  } catch (error) {
    return { ok: false, error: "page_offline", said: `The practice workspace does not answer (${error}).` };
  }
}

export async function injectFault(name, details = {}) {
  return send(`/control/faults/${name}`, details);
}

/** What Slackbot tells only me: failures of what I just did. */
export function whisper(channel, text, thread) {
  const ts = (Date.now() / 1000).toFixed(6);
  put({
    type: "message",
    ts,
    channel,
    user: "USLACKBOT",
    text,
    only: state.me,
    ...(thread ? { thread_ts: thread } : {}),
  });
  changed();
}

/** Asks before something is done. @param {Json} dialog Slack's confirm object @returns {Promise<boolean>} */
export function ask(dialog) {
  return new Promise((resolve) => {
    state.confirm = {
      dialog,
      answer(yes) {
        state.confirm = null;
        changed();
        resolve(yes);
      },
    };
    changed();
  });
}

async function send(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}
