/** People's phones, as an element of the practice workspace: what rings, and the button that answers it. */
export function mount(element, root = "/pager") {
  const style = make("link", { rel: "stylesheet", href: `${root}/panel.css` });
  document.head.append(style);
  const parts = skeleton();
  element.replaceChildren(parts.panel);
  const act = (body) => ask(parts, root, body);
  parts.alarm.addEventListener("click", () => act({ what: "alarm" }));
  parts.calm.addEventListener("click", () => act({ what: "trouble", name: "calm" }));
  const source = new EventSource(`${root}/events`);
  source.addEventListener("message", (event) => show(parts, JSON.parse(event.data), act));
  source.addEventListener("error", () => headline(parts, "The pager does not answer.", "bad"));
  return () => {
    source.close();
    style.remove();
    element.replaceChildren();
  };
}

function skeleton() {
  const parts = {
    headline: make("p", { class: "pager-headline", role: "status" }, "Looking …"),
    phones: make("ul", { class: "pager-phones" }),
    troubles: make("div", { class: "pager-troubles" }),
    asked: make("ul", { class: "pager-asked" }),
    said: make("p", { class: "pager-said", role: "status" }),
    alarm: make(
      "button",
      { type: "button", title: "An incident begins in PagerDuty, not here" },
      "Let a monitor raise the alarm",
    ),
    calm: make("button", { type: "button" }, "Calm everything"),
  };
  parts.panel = make(
    "section",
    { class: "pager", "aria-label": "Phones" },
    parts.headline,
    section("Phones", parts.phones),
    section("From outside", make("div", { class: "pager-troubles" }, parts.alarm)),
    section("What may go wrong with PagerDuty", parts.troubles, parts.calm, parts.said),
    section("What it was asked", parts.asked),
  );
  return parts;
}

function show(parts, sight, act) {
  headline(parts, ...sayAll(sight));
  keepFocus(parts.panel, () => {
    parts.phones.replaceChildren(...sight.phones.map((phone) => drawPhone(phone, act)));
    parts.troubles.replaceChildren(
      ...sight.troubles.map((one) => {
        const on = sight.trouble.includes(one.what);
        const button = make(
          "button",
          {
            type: "button",
            id: `pager-${one.what}`,
            "aria-pressed": String(on),
            title: one.explains,
            "aria-description": one.explains,
          },
          one.says,
        );
        button.addEventListener("click", () => act({ what: "trouble", name: one.what, on: !on }));
        return button;
      }),
    );
  });
  parts.asked.replaceChildren(
    ...(sight.asked.length === 0
      ? [make("li", {}, "Nothing yet.")]
      : sight.asked.map((one) => {
          const line = make("li", {}, `${clock(one.at)} ${one.says}`);
          if (one.bad) line.dataset.tone = "bad";
          return line;
        })),
  );
}

/** One sentence for all phones, worst thing first. */
function sayAll(sight) {
  const ringing = sight.phones.filter((phone) => phone.pages.some((page) => page.ringing)).map(({ name }) => name);
  const trouble = sight.troubles
    .filter(({ what }) => sight.trouble.includes(what))
    .map(({ says }) => says.toLowerCase());
  if (trouble.length > 0) return [`PagerDuty has trouble: ${trouble.join(", ")}.`, "bad"];
  if (ringing.length > 0) return [`Ringing: ${ringing.join(" and ")}.`, "warn"];
  return ["All phones are quiet.", "good"];
}

function drawPhone(phone, act) {
  const rings = phone.pages.some((page) => page.ringing);
  const duty = phone.onCallFor.length > 0 ? `On call: ${phone.onCallFor.join(", ")}` : "Not on call";
  const item = make(
    "li",
    { class: "pager-phone" },
    make("p", { class: "pager-name" }, `${rings ? "📳 " : ""}${phone.name}`),
    make("p", {}, duty),
    ...phone.pages.map((page) => drawPage(page, phone, act)),
  );
  item.dataset.rings = String(rings);
  return item;
}

function drawPage(page, phone, act) {
  const box = make("div", { class: "pager-page" }, make("p", { class: "pager-title" }, page.title));
  const by = page.by.length > 0 ? `, answered by ${page.by.join(" and ")}` : "";
  box.append(make("p", {}, `${page.ringing ? "Ringing since" : "Rang at"} ${clock(page.since)}${by}`));
  if (page.ringing) {
    const id = `pager-${page.id}-${phone.user}`;
    const button = make(
      "button",
      { type: "button", id, "aria-label": `Acknowledge as ${phone.name}: ${page.title}` },
      "Acknowledge",
    );
    button.addEventListener("click", () => act({ what: "acknowledge", incident: page.id, user: phone.user }));
    box.append(button);
  }
  return box;
}

async function ask(parts, root, body) {
  try {
    const answer = await fetch(`${root}/do`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    parts.said.textContent = answer.ok ? "" : (await answer.json()).error;
  } catch {
    parts.said.textContent = "The pager did not answer.";
  }
}

/** Drawn anew under somebody's finger: what had the focus has it again. */
function keepFocus(panel, draw) {
  const id = panel.contains(document.activeElement) ? document.activeElement.id : "";
  draw();
  if (id !== "") panel.querySelector(`#${CSS.escape(id)}`)?.focus();
}

function headline(parts, text, tone) {
  if (parts.headline.textContent !== text) parts.headline.textContent = text;
  parts.headline.dataset.tone = tone;
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

function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
