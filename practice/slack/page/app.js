import { render } from "preact";
import { Channel, Thread } from "./channel.js";
import { Home } from "./home.js";
import { html } from "./html.js";
import { Confirm, Modal } from "./modal.js";
import { Side } from "./side.js";
import { Sidebar } from "./sidebar.js";
import { Tour, TourButton } from "./tour.js";
import { follow, userOf, useWorld } from "./world.js";

function App() {
  const world = useWorld();
  if (!world.ready) return html`<p class="loading">Opening the practice workspace…</p>`;
  /** A phone shows one screen, which is then what the page is about. */
  const alone = (screen) => (world.phone && screenOf(world) === screen ? "main" : undefined);
  const bot = world.weather.overHttp || world.weather.connections.length > 0;
  return html`
    <header class="practice-banner"><h1>PRACTICE</h1><span>Nothing here is real: no production, no Slack, no pager.</span>
      <span class="as">as ${userOf(world.me).real_name}</span>
      ${!world.connected && html`<span class="lost" role="alert">Connection lost, trying again…</span>`}
      ${world.connected && !bot && html`<span class="lost">No bot is connected</span>`}
      <${TourButton} /></header>
    <${Tour} />
    <div class=${`panes ${world.thread ? "with-thread" : ""} ${world.side ? "with-side" : ""}`} data-screen=${screenOf(world)}>
      <div class="screen sidebar-screen" role=${alone("sidebar")}><${Sidebar} /></div>
      <main>${world.place.kind === "home" ? html`<${Home} key=${world.me} />` : html`<${Channel} id=${world.place.channel} />`}</main>
      ${world.thread && html`<div class="screen thread-screen" role=${alone("thread")}><${Thread} /></div>`}
      ${world.side && html`<div class="screen side-screen" role=${alone("side")}><${Side} /></div>`}
    </div>
    <${Modal} />
    <${Confirm} />
  `;
}

/** A screen whose pane is not open is not there. */
function screenOf(world) {
  if (world.screen === "thread" && !world.thread) return "main";
  if (world.screen === "side" && !world.side) return "main";
  return world.screen;
}

follow();
render(html`<${App} />`, document.getElementById("app"));
