// What is practised, in a side panel: which system, what its estate is made of and how it is, what can be broken, and the
// scene for each runbook. A system whose estate has a panel of its own is drawn by that. Plain DOM and no style attributes,
// so it works under the workspace's content security policy.

const PERIOD = 1000;

/**
 * Draws the panel into an element and keeps it current.
 * @param {HTMLElement} element emptied first
 * @param {string} base where it is answered: `/systems`
 * @returns {() => void} takes the panel away again
 */
export function mount(element, base = "/systems") {
  const root = base.replace(/\/$/, "");
  const style = ensureStyle(`${root}/panel.css`);
  const parts = skeleton(root);
  element.replaceChildren(parts.chooser, parts.body);
  let timer;
  let gone = false;
  const look = async () => {
    if (document.visibilityState === "visible") {
      const state = await fetch(`${root}/state`).then(
        (answer) => answer.json(),
        () => null,
      );
      if (gone) return;
      if (state === null) say(parts.status, "The practice does not answer. Was it ended?", "bad");
      else await show(parts, state);
    }
    timer = setTimeout(look, PERIOD);
  };
  void look();
  return () => {
    gone = true;
    clearTimeout(timer);
    parts.undo?.();
    style.remove();
    element.replaceChildren();
  };
}

function skeleton(root) {
  const parts = {
    root,
    select: make("select", { class: "systems-select", "aria-label": "System that is practised" }),
    change: make("button", { type: "button" }, "Practise it"),
    status: make("p", { class: "systems-said", role: "status" }, "Looking …"),
    body: make("div", {}),
    shown: undefined,
    undo: undefined,
  };
  parts.chooser = make(
    "section",
    { class: "systems", "aria-label": "System" },
    make("h2", {}, "System"),
    make("div", { class: "systems-choose" }, parts.select, parts.change),
    parts.status,
  );
  parts.select.addEventListener("change", () => offerChange(parts));
  parts.change.addEventListener("click", () => change(parts));
  return parts;
}

async function show(parts, state) {
  parts.state = state;
  drawChoice(parts, state);
  if (state.wanted !== null)
    say(parts.status, `Setting up ${titleOf(state, state.wanted)}: its estate and the bot are started anew …`, "warn");
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
  parts.change.textContent = chosen && chosen.system === parts.state?.system ? "Start anew" : "Practise it";
  parts.change.disabled = busy || !chosen || chosen.install !== null;
  if (chosen?.install) say(parts.status, `To practise it: ${chosen.install}`, "warn", true);
  else if (parts.status.dataset.keep !== undefined) say(parts.status, "");
}

async function change(parts) {
  parts.change.disabled = true;
  await tell(parts, "change", { system: parts.select.value });
}

function general(parts) {
  const own = {
    parts,
    rows: make("ul", { class: "systems-rows" }),
    made: make("ul", { class: "systems-made" }),
    strikes: make("div", { class: "systems-buttons" }),
    scene: make("select", { class: "systems-select", "aria-label": "Runbook" }),
    set: make("button", { type: "button" }, "Set the scene"),
    said: make("p", { class: "systems-said", role: "status" }),
    struck: make("p", { class: "systems-said", role: "status" }),
  };
  own.strikesBox = section("Break something", own.strikes, own.struck);
  own.rowsBox = section("As it is now", own.rows);
  own.panel = make(
    "section",
    { class: "systems", "aria-label": "Practice estate" },
    own.rowsBox,
    section("Play a runbook", make("div", { class: "systems-scene" }, own.scene, own.set), own.said),
    own.strikesBox,
    section("What it is made of", own.made),
  );
  own.set.addEventListener("click", () => setScene(own));
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
  say(own.said, "Everything is brought to where the runbook begins …", "warn");
  const problem = await tell(own.parts, "scene", { runbook, mode });
  own.set.disabled = false;
  if (problem !== null) return say(own.said, problem, "bad");
  const { words } = own.parts;
  const type = make("button", { type: "button", class: "systems-words" }, words);
  type.addEventListener("click", () =>
    document.dispatchEvent(new CustomEvent("compose", { detail: { channel: "CINCIDENT", text: words } })),
  );
  own.said.replaceChildren("Ready. In #incident-response, type ", type);
  own.said.dataset.tone = "";
}

function drawGeneral(own, state) {
  own.rowsBox.hidden = state.rows.length === 0;
  own.rows.replaceChildren(
    ...state.rows.map(({ title, state: how, tone = "well" }) => {
      const row = make("li", {}, make("span", { class: "systems-name" }, title), make("span", {}, how));
      row.dataset.tone = tone;
      return row;
    }),
  );
  own.made.replaceChildren(
    ...state.parts.map(({ title, kind }) =>
      make("li", {}, make("span", {}, title), make("span", { class: "systems-kind" }, kind)),
    ),
  );
  own.strikesBox.hidden = state.strikes.length === 0;
  const key = JSON.stringify(state.strikes);
  if (own.key === key) return;
  own.key = key;
  own.strikes.replaceChildren(
    ...state.strikes.map(({ id, title }) => {
      const button = make("button", { type: "button" }, title);
      button.addEventListener("click", () => strike(own, button, id, title));
      return button;
    }),
  );
}

async function strike(own, button, id, title) {
  button.disabled = true;
  say(own.struck, `${title}: under way …`, "warn");
  const problem = await tell(own.parts, "strike", { id });
  button.disabled = false;
  say(own.struck, problem === null ? `${title}: done.` : `${title}: ${problem}`, problem === null ? "" : "bad");
}

/** @returns why it was not done, or null */
async function tell(parts, what, body) {
  try {
    const answer = await fetch(`${parts.root}/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    parts.words = said.words;
    if (answer.ok) await show(parts, said);
    else if (what === "change") say(parts.status, said.error, "bad");
    return answer.ok ? null : said.error;
  } catch {
    return "the practice did not answer.";
  }
}

function titleOf({ systems }, system) {
  return systems.find((one) => one.system === system)?.title ?? system;
}

function say(where, text, tone = "", keep = false) {
  if (where.textContent !== text) where.textContent = text;
  where.dataset.tone = tone;
  if (keep) where.dataset.keep = "";
  else delete where.dataset.keep;
}

function section(title, ...children) {
  return make("div", {}, make("h2", {}, title), ...children);
}

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function ensureStyle(href) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  document.head.append(link);
  return link;
}
