// What is practised, in a side panel: which system, what its environment is made of and how it is, what can be broken, and the
// scene for each runbook. A system whose environment has a panel of its own is drawn by that.
import { button, make, panel, post, say, section } from "/page/panel.js";

const PERIOD = 1000;

/**
 * Draws the panel into an element and keeps it current.
 * @param {HTMLElement} element emptied first
 * @param {string} base where it is answered: `/systems`
 * @returns {() => void} takes the panel away again
 */
export function mount(element, base = "/systems") {
  const root = base.replace(/\/$/, "");
  const parts = skeleton(root);
  element.replaceChildren(parts.chooser, parts.body, parts.alerts.panel, parts.clock.panel);
  let timer;
  let gone = false;
  const look = async () => {
    if (document.visibilityState === "visible") {
      const state = await fetch(`${root}/state`).then(
        (answer) => answer.json(),
        () => null,
      );
      if (gone) return;
      if (state === null) say(parts.status, "Practice doesn't answer. Was it ended?", "bad");
      else await show(parts, state);
    }
    timer = setTimeout(look, PERIOD);
  };
  void look();
  return () => {
    gone = true;
    clearTimeout(timer);
    parts.undo?.();
    element.replaceChildren();
  };
}

function skeleton(root) {
  const parts = {
    root,
    select: make("select", { "aria-label": "System that is practised" }),
    change: button("Switch", () => change(parts)),
    status: make("p", { class: "panel-said", role: "status" }, "Looking …"),
    body: make("div", {}),
    shown: undefined,
    undo: undefined,
  };
  parts.chooser = panel(
    "System",
    section("System", make("div", { class: "panel-choice" }, parts.select, parts.change), parts.status),
  );
  parts.select.addEventListener("change", () => offerChange(parts));
  parts.clock = clockMover(parts);
  parts.alerts = alertSender(parts);
  return parts;
}

/** Lets time pass for the bot: its reminders, calendars and deadlines come at once. Nothing outside practice can. */
function clockMover(parts) {
  const own = {
    by: make("select", { "aria-label": "Move the clock forward by" }),
    now: make("p", {}),
    said: make("p", { class: "panel-said", role: "status" }),
  };
  const steps = {
    "5m": "5 minutes",
    "1h": "1 hour",
    "1d": "1 day",
    "7d": "1 week",
    "30d": "30 days",
    "90d": "90 days",
  };
  own.by.append(...Object.entries(steps).map(([value, title]) => make("option", { value }, title)));
  own.by.value = "1d";
  const move = async () => {
    pressed.disabled = true;
    say(own.said, "Moving the clock …", "warn");
    const problem = await tell(parts, "clock", { by: own.by.value });
    pressed.disabled = false;
    say(own.said, problem ?? `Moved forward by ${steps[own.by.value]}.`, problem === null ? "" : "bad");
  };
  const pressed = button("Move forward", move);
  own.panel = panel(
    "Clock",
    section("The bot's clock", own.now, make("div", { class: "panel-choice" }, own.by, pressed), own.said),
  );
  return own;
}

function drawClock({ clock: own }, { clockAhead = 0, system }) {
  own.panel.hidden = system === null;
  const now = new Date(Date.now() + clockAhead * 1000);
  own.now.textContent = `${now.toISOString().slice(0, 16).replace("T", " ")} UTC${clockAhead === 0 ? "" : `, ${aheadWords(clockAhead)} ahead`}`;
}

function aheadWords(seconds) {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor((seconds % 86400) / 3600),
    Math.floor((seconds % 3600) / 60),
  ];
  return [
    [days, "d"],
    [hours, "h"],
    [minutes, "min"],
  ]
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(" ");
}

/** Sends an alert as monitoring would: signed, over HTTP, to the bot. */
function alertSender(parts) {
  const own = {
    select: make("select", { "aria-label": "Alert" }),
    said: make("p", { class: "panel-said", role: "status" }),
    key: "",
  };
  const send = async (status) => {
    const problem = await tell(parts, "alert", { id: own.select.value, status });
    say(own.said, problem ?? `${own.select.value}: sent as ${status}.`, problem === null ? "" : "bad");
  };
  const buttons = make(
    "div",
    { class: "panel-buttons" },
    button("Send alert", () => send("firing")),
    button("Send resolved", () => send("resolved")),
  );
  own.panel = panel("Monitoring", section("Send an alert", own.select, buttons, own.said));
  own.panel.hidden = true;
  return own;
}

function drawAlerts({ alerts: own }, { alerts = [] }) {
  own.panel.hidden = alerts.length === 0;
  const key = JSON.stringify(alerts);
  if (own.key === key) return;
  own.key = key;
  own.select.replaceChildren(...alerts.map(({ id, title }) => make("option", { value: id }, `${id}: ${title}`)));
}

async function show(parts, state) {
  parts.state = state;
  drawChoice(parts, state);
  drawAlerts(parts, state);
  drawClock(parts, state);
  if (state.wanted !== null)
    say(parts.status, `Setting up ${titleOf(state, state.wanted)}: starting its environment and the bot …`, "warn");
  else if (state.failed !== null) say(parts.status, state.failed, "bad");
  else if (parts.status.dataset.keep === undefined) say(parts.status, "");
  if (parts.shown !== state.system) {
    parts.undo?.();
    parts.undo = undefined;
    parts.shown = state.system;
    parts.body.replaceChildren();
    if (state.system === null) return;
    parts.select.value = state.system;
    document.dispatchEvent(new CustomEvent("hint", { detail: state.hint }));
    offerChange(parts);
    if (state.panel !== null) {
      const own = await import(state.panel);
      parts.undo = own.mount(parts.body, state.panel.replace(/\/[^/]*$/, ""));
      return;
    }
    parts.own = general(parts);
    parts.body.replaceChildren(parts.own.panel);
    drawScenes(parts, state);
  }
  if (state.system !== null && state.panel === null) drawGeneral(parts.own, state);
}

function drawChoice(parts, { systems, system }) {
  const key = JSON.stringify(systems.map((one) => [one.system, one.missing]));
  if (parts.choice !== key) {
    parts.choice = key;
    const chosen = parts.select.value || system;
    parts.select.replaceChildren(
      ...systems.map((one) => {
        const lacks = one.missing.length === 0 ? "" : ` (needs ${one.missing.join(", ")})`;
        return make("option", { value: one.system }, `${one.title}${lacks}`);
      }),
    );
    if (chosen) parts.select.value = chosen;
  }
  offerChange(parts);
}

function offerChange(parts) {
  const chosen = parts.state?.systems.find(({ system }) => system === parts.select.value);
  const busy = parts.state === undefined || parts.state.wanted !== null;
  parts.change.textContent = chosen && chosen.system === parts.state?.system ? "Reset" : "Switch";
  parts.change.disabled = busy || !chosen || chosen.install !== null;
  if (chosen?.install) keep(parts.status, `To practise it: ${chosen.install}`);
  else if (parts.status.dataset.keep !== undefined) quiet(parts.status);
}

async function change(parts) {
  parts.change.disabled = true;
  await tell(parts, "change", { system: parts.select.value });
}

function general(parts) {
  const own = {
    parts,
    rows: make("ul", { class: "panel-cards" }),
    made: make("ul", { class: "panel-log in-two" }),
    injectable: make("div", { class: "panel-buttons" }),
    scene: make("select", { "aria-label": "Runbook" }),
    set: button("Set the scene", () => setScene(own)),
    said: make("p", { class: "panel-said", role: "status" }),
    struck: make("p", { class: "panel-said", role: "status" }),
  };
  own.faultsBox = section("Break something", own.injectable, own.struck);
  own.rowsBox = section("State now", own.rows);
  own.panel = panel(
    "Practice environment",
    own.rowsBox,
    section("Play a runbook", make("div", { class: "panel-scene" }, own.scene, own.set), own.said),
    own.faultsBox,
    section("What it is made of", own.made),
  );
  return own;
}

function drawScenes(parts, state) {
  parts.own.scene.replaceChildren(
    ...state.runbooks.flatMap(({ id, title, modes }) =>
      modes.map((mode) => make("option", { value: `${id} ${mode}` }, `${title}${modes.length > 1 ? `, ${mode}` : ""}`)),
    ),
  );
}

async function setScene(own) {
  const [runbook, mode] = own.scene.value.split(" ");
  own.set.disabled = true;
  say(own.said, "Bringing everything to where the runbook begins …", "warn");
  const problem = await tell(own.parts, "scene", { runbook, mode });
  own.set.disabled = false;
  if (problem !== null) return say(own.said, problem, "bad");
  const { words } = own.parts;
  const compose = { detail: { channel: "CINCIDENT", text: words } };
  const type = button(words, () => document.dispatchEvent(new CustomEvent("compose", compose)), {
    class: "panel-type",
  });
  own.said.replaceChildren("Ready. In #incident-response, type ", type);
  own.said.dataset.tone = "";
}

function drawGeneral(own, state) {
  own.rowsBox.hidden = state.rows.length === 0;
  own.rows.replaceChildren(
    ...state.rows.map(({ title, state: how, tone = "well" }) => {
      const row = make("li", { class: "panel-card" }, make("p", { class: "panel-name" }, title), make("p", {}, how));
      row.dataset.tone = tone;
      return row;
    }),
  );
  own.made.replaceChildren(
    ...state.parts.map(({ title, kind }) => make("li", {}, make("span", {}, title), make("span", {}, kind))),
  );
  own.faultsBox.hidden = state.injectable.length === 0;
  const key = JSON.stringify(state.injectable);
  if (own.key === key) return;
  own.key = key;
  own.injectable.replaceChildren(
    ...state.injectable.map(({ id, title }) => {
      const press = () => injectFault(own, element, id, title);
      const element = button(title, press, { "data-harm": "" });
      return element;
    }),
  );
}

async function injectFault(own, pressed, id, title) {
  pressed.disabled = true;
  say(own.struck, `${title}: in progress …`, "warn");
  const problem = await tell(own.parts, "strike", { id });
  pressed.disabled = false;
  say(own.struck, problem === null ? `${title}: done.` : `${title}: ${problem}`, problem === null ? "" : "bad");
}

/** @returns why it was not done, or null */
async function tell(parts, what, given) {
  const { ok, body } = await post(`${parts.root}/${what}`, given);
  parts.words = body.words;
  if (ok) await show(parts, body);
  else if (what === "change") say(parts.status, body.error, "bad");
  return ok ? null : body.error;
}

function titleOf({ systems }, system) {
  return systems.find((one) => one.system === system)?.title ?? system;
}

/** Said until another system is chosen. */
function keep(where, text) {
  say(where, text, "warn");
  where.dataset.keep = "";
}

function quiet(where) {
  say(where, "");
  delete where.dataset.keep;
}
