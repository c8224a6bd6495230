// What side panels are made of. They are plain DOM without style attributes, so they work under the page's content security
// policy, and look alike by one sheet: panel.css.

/** @returns {HTMLElement} */
export function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A panel: what it is called for screen readers, a headline that says how everything is, and its sections. */
export function panel(label, ...children) {
  return make("section", { class: "panel", "aria-label": label }, ...children);
}

export function section(title, ...children) {
  return make("div", {}, make("h2", {}, title), ...children);
}

export function button(label, press, attributes = {}) {
  const element = make("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", press);
  return element;
}

/** What the panel says of everything, told to screen readers when it changes. */
export function headlineOf(label = "Looking …") {
  return make("p", { class: "panel-headline", role: "status" }, label);
}

/** Text that is told only when it changes. @param {string} [tone] good, warn, bad, or none */
export function say(where, text, tone = "") {
  if (where.textContent !== text) where.textContent = text;
  where.dataset.tone = tone;
}

/** Shows what the server tells, while someone can see it: a browser has six connections for all tabs. @returns {() => void} ends it */
export function follow(url, show, lost) {
  let source = null;
  const turn = () => {
    source?.close();
    source = null;
    if (document.visibilityState === "hidden") return;
    source = new EventSource(url);
    source.addEventListener("message", (event) => show(JSON.parse(event.data)));
    source.addEventListener("error", lost);
  };
  document.addEventListener("visibilitychange", turn);
  turn();
  return () => {
    document.removeEventListener("visibilitychange", turn);
    source?.close();
  };
}

/** @returns {Promise<{ ok: boolean, body: any }>} `body.error`: why not */
export async function post(url, body) {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { ok: answer.ok, body: await answer.json().catch(() => ({ error: `It answered ${answer.status}.` })) };
  } catch {
    return { ok: false, body: { error: "Practice doesn't answer." } };
  }
}

/** Drawn again under someone's finger: what had the focus has it again. */
export function keepFocus(within, draw) {
  const id = within.contains(document.activeElement) ? document.activeElement.id : "";
  draw();
  if (id !== "") within.querySelector(`#${CSS.escape(id)}`)?.focus();
}

export function orNothing(items, tag = "li") {
  return items.length > 0 ? items : [make(tag, { class: "panel-nothing" }, "Nothing yet.")];
}

export function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
