// The practice estate in a side panel: what the servers and the application are doing, and buttons that break them.
// Plain DOM and no style attributes, so it works under the workspace's content security policy.

const HARM = new Set(["kill-primary", "stall-and-kill-primary", "freeze-primary"]);
const SECONDS_SHOWN = 60;

/**
 * Draws the panel into an element and keeps it current.
 * @param {HTMLElement} element emptied first
 * @param {string} base where the estate answers: `/estate`
 * @returns {() => void} takes the panel away again
 */
export function mount(element, base = "/estate") {
  const root = base.replace(/\/$/, "");
  const style = ensureStyle(`${root}/panel.css`);
  const parts = skeleton();
  element.replaceChildren(parts.panel);
  const writes = [];
  const source = new EventSource(`${root}/events`);
  source.addEventListener("message", (event) => show(parts, JSON.parse(event.data), writes));
  source.addEventListener("error", () => headline(parts, "The estate does not answer.", "bad"));
  void addButtons(parts, root);
  return () => {
    source.close();
    style.remove();
    element.replaceChildren();
  };
}

function ensureStyle(href) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  document.head.append(link);
  return link;
}

function skeleton() {
  const parts = {
    headline: make("p", { class: "estate-headline", role: "status" }, "Looking …"),
    nodes: make("ul", { class: "estate-nodes" }),
    numbers: make("dl", { class: "estate-numbers" }),
    chart: svg("svg", {
      class: "estate-chart",
      viewBox: `0 0 ${SECONDS_SHOWN * 2} 24`,
      preserveAspectRatio: "none",
      role: "img",
    }),
    buttons: make("div", { class: "estate-buttons" }),
    said: make("p", { class: "estate-said", role: "status" }),
    log: make("ul", { class: "estate-log" }),
  };
  parts.panel = make(
    "section",
    { class: "estate", "aria-label": "Practice estate" },
    parts.headline,
    section("Servers", parts.nodes),
    section("Orders application", parts.numbers, parts.chart),
    section("Break something", parts.buttons, parts.said),
    section("What was done", parts.log),
  );
  return parts;
}

function section(title, ...children) {
  return make("div", {}, make("h2", {}, title), ...children);
}

function show(parts, state, writes) {
  const app = state.application;
  headline(parts, ...sayAll(state));
  parts.nodes.replaceChildren(...state.nodes.map(drawNode));
  parts.numbers.replaceChildren(
    number("Orders per second", app ? String(app.writesPerSecond) : "–", !app?.healthy),
    number("Failed attempts", app ? `${Math.round(app.errorRate * 100)} %` : "–", (app?.errorRate ?? 0) > 0.05),
    number(...sayGap(app)),
    number("Orders lost", state.lostRows === null ? "unknown" : String(state.lostRows), (state.lostRows ?? 0) > 0),
  );
  writes.push(app?.writesPerSecond ?? 0);
  writes.splice(0, writes.length - SECONDS_SHOWN * 2);
  drawChart(parts.chart, writes);
  parts.log.replaceChildren(
    ...(state.happened.length === 0
      ? [make("li", {}, "Nothing yet.")]
      : state.happened.map((one) => make("li", {}, `${clock(one.at)} ${one.says}`))),
  );
}

/** While nothing is written, how long already; afterwards, how long at most. */
function sayGap(app) {
  if (!app) return ["Longest gap", "–", false];
  if (!app.healthy) return ["Without an order", seconds(app.gapSeconds), true];
  return ["Longest gap", seconds(app.longestGapSeconds), false];
}

/** One sentence for the whole estate, worst thing first. */
function sayAll(state) {
  const app = state.application;
  if (!app) return ["The orders application does not answer.", "bad"];
  if (state.splitBrain) return ["Both servers take writes: split brain.", "bad"];
  if (!app.healthy) return ["Nobody can order: no order is being written.", "bad"];
  if ((state.lostRows ?? 0) > 0)
    return [`Orders are written again; ${state.lostRows} acknowledged orders are lost.`, "warn"];
  const standby = state.nodes.find((node) => node.role === "standby");
  if (!standby) return ["Orders are written. There is no standby.", "warn"];
  if (standby.streaming === false || standby.replayPaused || standby.lagBytes > 1_000_000)
    return ["Orders are written. The standby falls behind.", "warn"];
  return ["All is well: orders are written, and the standby follows.", "good"];
}

function headline(parts, text, tone) {
  if (parts.headline.textContent !== text) parts.headline.textContent = text;
  parts.headline.dataset.tone = tone;
}

function drawNode(node) {
  const tone = node.reachable ? (node.role === "standby" && node.streaming === false ? "warn" : "good") : "bad";
  const lines = [sayRole(node), node.takesTraffic ? "The application writes here." : null, sayMore(node)];
  const item = make("li", { class: "estate-node" }, make("p", { class: "estate-name" }, node.name));
  item.dataset.tone = node.readOnly ? "warn" : tone;
  item.append(...lines.filter(Boolean).map((line) => make("p", {}, line)));
  return item;
}

function sayRole(node) {
  if (node.role === "down") return "Down: no process.";
  if (node.role === "silent") return "Silent: it does not answer.";
  const fenced = node.readOnly ? ", fenced (read-only)" : "";
  return `${node.role === "primary" ? "Primary" : "Standby"}${fenced}, timeline ${node.timeline}.`;
}

function sayMore(node) {
  if (node.role !== "standby") return null;
  if (node.replayPaused) return "Replay is paused.";
  const behind = node.lagBytes === null ? "" : `, ${bytes(node.lagBytes)} behind`;
  return `${node.streaming ? "Streaming" : "Not streaming"}${behind}.`;
}

function number(label, value, bad) {
  const shown = make("dd", {}, value);
  if (bad) shown.dataset.tone = "bad";
  return make("div", {}, make("dt", {}, label), shown);
}

function drawChart(chart, writes) {
  const most = Math.max(20, ...writes);
  const offset = SECONDS_SHOWN * 2 - writes.length;
  const bars = writes.map((count, i) => {
    const height = count === 0 ? 2 : (count / most) * 24;
    const attributes = { x: offset + i, y: 24 - height, width: 0.8, height, fill: "currentColor" };
    return svg("rect", count === 0 ? { ...attributes, fill: null, class: "estate-missing" } : attributes);
  });
  chart.setAttribute("aria-label", `Orders per second over the last minute; now ${writes.at(-1) ?? 0}`);
  chart.replaceChildren(...bars);
}

async function addButtons(parts, root) {
  const answer = await fetch(`${root}/chaos`);
  const { chaos } = await answer.json();
  parts.buttons.replaceChildren(
    ...chaos.map((one) => {
      const button = make(
        "button",
        { type: "button", title: one.explains, "aria-description": one.explains },
        one.says,
      );
      if (HARM.has(one.what)) button.dataset.harm = "";
      button.addEventListener("click", () => cause(parts, root, one));
      return button;
    }),
  );
}

async function cause(parts, root, one) {
  const buttons = [...parts.buttons.children];
  for (const button of buttons) button.disabled = true;
  say(parts, `${one.says}: under way …`);
  try {
    const answer = await fetch(`${root}/chaos`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ what: one.what }),
    });
    const said = await answer.json();
    say(parts, answer.ok ? `${one.says}: done. ${one.explains}` : `${one.says}: ${said.error}`, answer.ok ? "" : "bad");
  } catch {
    say(parts, `${one.says}: the estate did not answer.`, "bad");
  }
  for (const button of buttons) button.disabled = false;
}

function say(parts, text, tone = "") {
  parts.said.textContent = text;
  parts.said.dataset.tone = tone;
}

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function svg(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(key, String(value));
  return element;
}

function seconds(value) {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

function bytes(value) {
  return value < 10_000 ? `${value} bytes` : `${Math.round(value / 1000)} kB`;
}

function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
