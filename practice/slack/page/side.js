import { useEffect, useRef, useState } from "preact/hooks";
import { Back } from "./channel.js";
import { html } from "./html.js";
import { sideTabs } from "./sidebar.js";
import { changed, injectFault, state } from "./state.js";

/** The panel beside the conversation: the practice environment, what crossed the wire, and what may go wrong. */
export function Side() {
  const shut = () => {
    state.side = null;
    state.screen = "main";
    changed();
  };
  const pick = (id) => {
    state.side = id;
    changed();
  };
  const tabs = sideTabs();
  /** Arrow keys go from tab to tab, as in every list of tabs. */
  const turn = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(({ id }) => id === state.side);
    pick(tabs[(at + by + tabs.length) % tabs.length].id);
    const list = event.currentTarget;
    requestAnimationFrame(() => list.querySelector("[aria-selected=true]")?.focus());
  };
  const Kind = state.phone ? "section" : "aside";
  return html`<${Kind} class="pane side" aria-label="Behind the scenes">
    <header class="pane-head">
      <${Back} to="sidebar" />
      <div class="tabs" role="tablist" aria-label="Panels" onKeyDown=${turn}>
        ${tabs.map((tab) => html`<button type="button" role="tab" tabindex=${state.side === tab.id ? 0 : -1} aria-selected=${state.side === tab.id} class=${state.side === tab.id ? "current" : ""} onClick=${() => pick(tab.id)}>${tab.title}</button>`)}
      </div>
      <button type="button" class="icon close" aria-label="Close panel" onClick=${shut}>✕</button>
    </header>
    ${state.panels.filter(({ url }) => url === state.side).map((panel) => html`<${Panel} key=${panel.url} panel=${panel} />`)}
    ${state.side === "inspector" && html`<${Inspector} />`}
    ${state.side === "faults" && html`<${Faults} />`}
  <//>`;
}

/** Someone else's panel; it draws itself into an element of its own, while it is shown: each follows a stream, and a browser has few. */
function Panel({ panel }) {
  const box = useRef(null);
  const [failure, setFailure] = useState(null);
  useEffect(() => {
    let undo;
    import(panel.url)
      .then(async (module) => {
        undo = await module.mount(box.current, panel.base);
      })
      .catch((error) => setFailure(String(error)));
    return () => typeof undo === "function" && undo();
  }, [panel.url]);
  return html`<div class="side-body mounted">
    ${failure && html`<p class="fault" role="alert">This panel could not be drawn: ${failure}</p>`}
    <div ref=${box}></div>
  </div>`;
}

function Inspector() {
  const [only, setOnly] = useState("all");
  const shown = state.inspected
    .filter((one) => only === "all" || (only === "errors" ? one.error : one.kind === only))
    .slice()
    .reverse();
  const filters = { all: "Everything", call: "API calls", envelope: "Envelopes", socket: "Sockets", errors: "Errors" };
  return html`<div class="side-body">
    <${Connections} />
    <label class="filter">Show <select class="select" value=${only} onChange=${(event) => setOnly(event.currentTarget.value)}>
      ${Object.entries(filters).map(([value, label]) => html`<option value=${value}>${label}</option>`)}</select></label>
    ${shown.length === 0 && html`<p class="empty">Nothing yet.</p>`}
    <ol class="entries">
      ${shown.map(
        (one) => html`<li key=${one.n}><details class=${one.error ? "bad" : ""}>
        <summary>
          <span class=${`kind ${one.kind}`}>${arrows[one.kind]}</span>
          <span class="entry-what">${one.name}</span>
          <small>${[one.connection, one.milliseconds === null ? null : `${one.milliseconds} ms`].filter(Boolean).join(" · ")}</small>
          ${one.error && html`<span class="badge warn">${one.error}</span>`}
        </summary>
        <h3>Sent</h3><pre tabindex="0">${JSON.stringify(one.sent, null, 2)}</pre>
        <h3>Answered</h3><pre tabindex="0">${JSON.stringify(one.answered, null, 2)}</pre>
      </details></li>`,
      )}
    </ol>
  </div>`;
}

const arrows = { call: "bot →", envelope: "→ bot", response_url: "bot ↩", socket: "socket" };

function Connections() {
  const connections = state.faults.connections ?? [];
  if (state.faults.overHttp) return html`<p class="connections">The bot is spoken to over HTTP.</p>`;
  return html`<p class=${`connections ${connections.length === 0 ? "none" : ""}`}>
    ${
      connections.length === 0
        ? "No bot is connected."
        : `Bot connected: ${connections.map((one) => `${one.name}${one.frozen ? " (frozen)" : ""}`).join(", ")}`
    }
  </p>`;
}

/** Each fault with what it teaches. `unit`: what its number means. */
const faultKinds = [
  {
    title: "The line to the bot",
    list: [
      { name: "refresh", label: "Refresh connections", note: "What Slack does every few hours." },
      { name: "drop", label: "Drop TCP", note: "The cable is pulled." },
      { name: "freeze", label: "Freeze the network", note: "Silence; no one is told.", unit: "seconds", usual: 20 },
      { name: "duplicate", label: "Send the next thing twice", note: "A redelivered click.", unit: "times", usual: 1 },
      {
        name: "delayEnvelopes",
        label: "Deliver late",
        note: "The three seconds run meanwhile.",
        unit: "seconds",
        usual: 2,
      },
      {
        name: "stale",
        label: "Deliver as old",
        note: "Slack's delayed events: what is done now arrives as if it were that old.",
        unit: "seconds",
        usual: 10_800,
      },
      {
        name: "appRateLimited",
        label: "Say there were too many events",
        note: "app_rate_limited: over 30 000 in an hour.",
      },
    ],
  },
  {
    title: "The Web API",
    list: [
      { name: "rateLimit", label: "Answer 429", note: "With Retry-After.", unit: "seconds", usual: 10 },
      { name: "unavailable", label: "Answer 503", note: "Slack is down.", unit: "seconds", usual: 20 },
      { name: "delayCalls", label: "Answer late", note: "Each call takes longer.", unit: "seconds", usual: 2 },
      { name: "losePosts", label: "Accept and lose posts", note: "Answered ok, never seen.", unit: "times", usual: 1 },
      {
        name: "loseReplies",
        label: "Cut before the answer",
        note: "Done, but the bot is not told.",
        unit: "times",
        usual: 1,
      },
      { name: "tiers", label: "Rate tiers on or off", note: "Slack's calls per minute." },
    ],
  },
  {
    title: "Rights",
    list: [
      { name: "refuse", label: "Let no app create channels", note: "An admin's setting: restricted_action." },
      { name: "revoke", label: "Revoke the token", note: "The app was removed." },
      { name: "restore", label: "Restore the token", note: "It was a mistake." },
    ],
  },
];

function Faults() {
  const { connections: _connections, overHttp: _overHttp, ...faults } = state.faults;
  const bad = Object.entries(faults).filter(([, value]) => value);
  return html`<div class="side-body fault-list">
    <p class=${`calm ${bad.length > 0 ? "bad" : ""}`} aria-live="polite">${bad.length === 0 ? "All is calm." : bad.map(([name, value]) => `${name}: ${value}`).join(", ")}</p>
    <p><button type="button" class="button" onClick=${() => injectFault("calm")}>Calm everything</button></p>
    ${faultKinds.map(({ title, list }) => html`<fieldset><legend>${title}</legend>${list.map((one) => html`<${Fault} key=${one.name} ...${one} />`)}</fieldset>`)}
  </div>`;
}

function Fault({ name, label, note, unit, usual }) {
  const [amount, setAmount] = useState(usual);
  const cause = () => injectFault(name, unit ? { [unit]: Number(amount) } : {});
  return html`<div class="fault">
    <button type="button" class="button" onClick=${cause}>${label}</button>
    ${unit && html`<label><input type="number" class="input" min="1" max="86400" value=${amount} onInput=${(event) => setAmount(event.currentTarget.value)} /> ${unit}</label>`}
    <small>${note}</small>
  </div>`;
}
