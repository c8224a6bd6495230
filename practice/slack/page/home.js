import { useState } from "preact/hooks";
import { Blocks } from "./blocks.js";
import { Back } from "./channel.js";
import { html } from "./html.js";
import { go, state } from "./state.js";

/** The app's Home tab, as it published it for this person. */
export function Home() {
  const [filled, setFilled] = useState({});
  const [failure, setFailure] = useState(null);
  const view = state.homes[state.me];
  const messages = state.channels.find(
    (one) => one.kind === "im" && one.members.includes(state.me) && one.members.includes("ULIFEBOAT"),
  );
  const fill = (block, action, choice) => setFilled({ ...filled, [block]: { ...filled[block], [action]: choice } });
  return html`<section class="pane main" aria-label="Lifeboat Home">
    <header class="pane-head">
      <${Back} to="sidebar" />
      <div class="title"><h1><img class="avatar small" src="/page/icon.svg" alt="" /> Lifeboat</h1></div>
    </header>
    <nav class="tabs" aria-label="Lifeboat">
      <button type="button" class="current" aria-current="page">Home</button>
      ${messages && html`<button type="button" onClick=${() => go({ kind: "channel", channel: messages.id })}>Messages</button>`}
    </nav>
    <div class="home-body">
      ${
        view
          ? html`<${Blocks} blocks=${view.blocks} place=${{ view: view.id }} filled=${filled} fill=${fill} failed=${setFailure} />`
          : html`<p class="empty">Lifeboat has shown nothing here yet.</p>`
      }
      ${failure && html`<p class="fault" role="alert">⚠ ${failure.said}</p>`}
    </div>
  </section>`;
}
