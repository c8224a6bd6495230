// The practice environment in a side panel: what the servers and the application are doing, and buttons that break them.
import { button, clock, follow, headlineOf, make, orNothing, panel, post, say, section } from "/page/panel.js";

const HARM = new Set(["kill-primary", "stall-and-kill-primary", "freeze-primary"]);
const SECONDS_SHOWN = 60;
const SAMPLES_A_SECOND = 2;
/** Kept while another panel is shown. */
const writes = [];

/**
 * Draws the panel into an element and keeps it current.
 * @param {HTMLElement} element emptied first
 * @param {string} base where the environment answers: `/environment`
 * @returns {() => void} takes the panel away again
 */
export function mount(element, base = "/environment") {
  const root = base.replace(/\/$/, "");
  const parts = skeleton();
  element.replaceChildren(parts.panel);
  const end = follow(
    `${root}/events`,
    (state) => show(parts, state),
    () => say(parts.headline, "The environment doesn't answer.", "bad"),
  );
  void addButtons(parts, root);
  return () => {
    end();
    element.replaceChildren();
  };
}

function skeleton() {
  const parts = {
    headline: headlineOf(),
    nodes: make("ul", { class: "panel-cards side-by-side" }),
    numbers: make("dl", { class: "panel-numbers" }),
    chart: svg("svg", { class: "panel-chart", viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img" }),
    buttons: make("div", { class: "panel-buttons" }),
    said: make("p", { class: "panel-said", role: "status" }),
    log: make("ul", { class: "panel-log" }),
  };
  parts.panel = panel(
    "Practice environment",
    parts.headline,
    section("Servers", parts.nodes),
    section("Orders application", parts.numbers, parts.chart),
    section("Break something", parts.buttons, parts.said),
    section("What was done", parts.log),
  );
  return parts;
}

function show(parts, state) {
  const app = state.application;
  say(parts.headline, ...sayAll(state));
  parts.nodes.replaceChildren(...state.nodes.map(drawNode));
  parts.numbers.replaceChildren(
    number("Orders per second", app ? String(app.writesPerSecond) : "–", !app?.healthy),
    number("Failed attempts", app ? `${Math.round(app.errorRate * 100)} %` : "–", (app?.errorRate ?? 0) > 0.05),
    number(...sayGap(app)),
    number("Orders lost", state.lostRows === null ? "unknown" : String(state.lostRows), (state.lostRows ?? 0) > 0),
  );
  writes.push(app?.writesPerSecond ?? 0);
  writes.splice(0, writes.length - SECONDS_SHOWN * SAMPLES_A_SECOND);
  drawChart(parts.chart, writes);
  parts.log.replaceChildren(...orNothing(state.happened.map((one) => make("li", {}, `${clock(one.at)} ${one.says}`))));
}

/** While nothing is written, how long already; afterwards, how long at most. */
function sayGap(app) {
  if (!app) return ["Longest gap", "–", false];
  if (!app.healthy) return ["Without an order", seconds(app.gapSeconds), true];
  return ["Longest gap", seconds(app.longestGapSeconds), false];
}

/** One sentence for the whole environment, worst thing first. */
function sayAll(state) {
  const app = state.application;
  if (!app) return ["The orders application doesn't answer.", "bad"];
  if (state.splitBrain) return ["Both servers take writes: split brain.", "bad"];
  if (!app.healthy) return ["Orders fail: nothing is being written.", "bad"];
  if ((state.lostRows ?? 0) > 0)
    return [`Orders are written again; ${state.lostRows} acknowledged orders are lost.`, "warn"];
  const standby = state.nodes.find((node) => node.role === "standby");
  if (!standby) return ["Orders are written. There is no standby.", "warn"];
  if (standby.streaming === false || standby.replayPaused || standby.lagBytes > 1_000_000)
    return ["Orders are written. The standby falls behind.", "warn"];
  return ["All is well: orders are written, and the standby follows.", "good"];
}

function drawNode(node) {
  const tone = node.reachable ? (node.role === "standby" && node.streaming === false ? "warn" : "good") : "bad";
  const lines = [sayRole(node), node.takesTraffic ? sayTraffic(node) : null, sayMore(node)];
  const item = make("li", { class: "panel-card" }, make("p", { class: "panel-name" }, node.name));
  item.dataset.tone = node.readOnly ? "warn" : tone;
  item.append(...lines.filter(Boolean).map((line) => make("p", {}, line)));
  return item;
}

/** What is down, or doesn't answer, takes no writes, wherever the application sends them. */
function sayTraffic(node) {
  return node.reachable ? "The application writes here." : "The application still points here.";
}

function sayRole(node) {
  if (node.role === "down") return "Down: no process.";
  if (node.role === "silent") return "Silent: it doesn't answer.";
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

/** In units of the picture: the bars are right of the labels of one axis and above those of the other. */
const CHART = { width: 320, height: 104, left: 28, right: 4, top: 20, bottom: 18 };

/** Orders per second over the last minute: what is counted up the side, how long ago along the foot. */
function drawChart(chart, writes) {
  const { width, height, left, right, top, bottom } = CHART;
  const most = Math.max(20, Math.ceil(Math.max(...writes) / 10) * 10);
  const [across, up] = [width - left - right, height - top - bottom];
  const wide = across / (SECONDS_SHOWN * SAMPLES_A_SECOND);
  const y = (count) => top + up - (count / most) * up;
  const bars = writes.map((count, i) => {
    const x = left + across - (writes.length - i) * wide;
    if (count === 0) return svg("rect", { x, y: y(0) - 3, width: wide * 0.8, height: 3, class: "missing" });
    return svg("rect", { x, y: y(count), width: wide * 0.8, height: y(0) - y(count), fill: "currentColor" });
  });
  const rows = [0, most / 2, most].flatMap((count) => [
    svg("line", { x1: left, x2: width - right, y1: y(count), y2: y(count) }),
    words(left - 4, y(count) + 4, String(count), "end"),
  ]);
  const moments = [SECONDS_SHOWN, SECONDS_SHOWN / 2, 0].map((ago) => {
    const x = left + across - ago * SAMPLES_A_SECOND * wide;
    const anchor = ago === SECONDS_SHOWN ? "start" : ago === 0 ? "end" : "middle";
    return words(x, height - 4, ago === 0 ? "now" : `${ago} s ago`, anchor);
  });
  chart.setAttribute("aria-label", `Orders per second over the last ${SECONDS_SHOWN} s; now ${writes.at(-1) ?? 0}`);
  chart.replaceChildren(...rows, ...bars, ...moments, words(0, 11, "Orders per second", "start"));
}

function words(x, y, text, anchor) {
  const element = svg("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

async function addButtons(parts, root) {
  const answer = await fetch(`${root}/faults`);
  const { faults } = await answer.json();
  parts.buttons.replaceChildren(
    ...faults.map((one) => {
      const press = () => cause(parts, root, one);
      const element = button(one.says, press, { title: one.explains, "aria-description": one.explains });
      if (HARM.has(one.what)) element.dataset.harm = "";
      return element;
    }),
  );
}

async function cause(parts, root, one) {
  const buttons = [...parts.buttons.children];
  for (const button of buttons) button.disabled = true;
  say(parts.said, `${one.says}: in progress …`);
  const { ok, body } = await post(`${root}/faults`, { what: one.what });
  say(parts.said, ok ? `${one.says}: done. ${one.explains}` : `${one.says}: ${body.error}`, ok ? "" : "bad");
  for (const button of buttons) button.disabled = false;
}

function svg(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

function seconds(value) {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

function bytes(value) {
  return value < 10_000 ? `${value} bytes` : `${Math.round(value / 1000)} kB`;
}
