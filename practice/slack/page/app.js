import { render } from "preact";
import { Channel, Thread } from "./channel.js";
import { Home } from "./home.js";
import { html } from "./html.js";
import { Confirm, Modal } from "./modal.js";
import { Side } from "./side.js";
import { Sidebar } from "./sidebar.js";
import { follow, usePageState, userOf } from "./state.js";
import { Tour, TourButton } from "./tour.js";

function App() {
  const state = usePageState();
  if (!state.ready) return html`<p class="loading">Opening the practice workspace…</p>`;
  /** A phone shows one screen, which is then what the page is about. */
  const alone = (screen) => (state.phone && screenOf(state) === screen ? "main" : undefined);
  const bot = state.faults.overHttp || state.faults.connections.length > 0;
  return html`
    <header class="practice-banner"><h1>PRACTICE</h1><span>Nothing here is real: no production, no Slack, no pager.</span>
      <span class="as">as ${userOf(state.me).real_name}</span>
      ${!state.connected && html`<span class="lost" role="alert">Connection lost, trying again…</span>`}
      ${state.connected && !bot && html`<span class="lost">No bot is connected</span>`}
      <${TourButton} /></header>
    <${Tour} />
    <div class=${`panes ${state.thread ? "with-thread" : ""} ${state.side ? "with-side" : ""}`} data-screen=${screenOf(state)}>
      <div class="screen sidebar-screen" role=${alone("sidebar")}><${Sidebar} /></div>
      <main>${state.place.kind === "home" ? html`<${Home} key=${state.me} />` : html`<${Channel} id=${state.place.channel} />`}</main>
      ${state.thread && html`<div class="screen thread-screen" role=${alone("thread")}><${Thread} /></div>`}
      ${state.side && html`<div class="screen side-screen" role=${alone("side")}><${Side} /></div>`}
    </div>
    <${Modal} />
    <${Confirm} />
  `;
}

/** A screen whose pane is not open is not there. */
function screenOf(state) {
  if (state.screen === "thread" && !state.thread) return "main";
  if (state.screen === "side" && !state.side) return "main";
  return state.screen;
}

follow();
render(html`<${App} />`, document.getElementById("app"));
