// What people outside got: mails as they arrived, and the page at the stand-in for Statuspage as customers see it.
// Plain DOM and no style attributes, so it works under the workspace's content security policy.

/**
 * Draws the panel into an element and keeps it current.
 * @param {HTMLElement} element emptied first
 * @param {string} root where the readers answer: `/comms`
 * @returns {() => void} takes the panel away again
 */
export function mount(element, root = "/comms") {
  const style = make("link", { rel: "stylesheet", href: `${root}/panel.css` });
  document.head.append(style);
  const parts = skeleton();
  element.replaceChildren(parts.panel);
  const cause = (what) => chaos(parts, root, what);
  parts.calm.addEventListener("click", () => cause("calm"));
  const source = new EventSource(`${root}/events`);
  source.addEventListener("message", (event) => show(parts, JSON.parse(event.data), cause));
  source.addEventListener("error", () => headline(parts, "The mailbox does not answer.", "bad"));
  return () => {
    source.close();
    style.remove();
    element.replaceChildren();
  };
}

function skeleton() {
  const parts = {
    headline: make("p", { class: "comms-headline", role: "status" }, "Looking …"),
    page: make("p", { class: "comms-page" }),
    mails: make("ol", { class: "comms-mails" }),
    notices: make("ol", { class: "comms-notices" }),
    troubles: make("div", { class: "comms-troubles" }),
    said: make("p", { class: "comms-said", role: "status" }),
    calm: make("button", { type: "button" }, "Calm everything"),
  };
  parts.panel = make(
    "section",
    { class: "comms", "aria-label": "Readers" },
    parts.headline,
    section("Status page, as customers see it", parts.page, parts.notices),
    section("Mails, as they arrived", parts.mails),
    section("What may go wrong", parts.troubles, parts.calm, parts.said),
  );
  return parts;
}

function show(parts, sight, cause) {
  const { mails, notices, trouble } = sight;
  if (trouble.length > 0) headline(parts, `Trouble: ${trouble.join(", ")}.`, "bad");
  else headline(parts, `${count(mails.length, "mail")}, ${count(notices.length, "incident")} at Statuspage.`, "good");
  parts.page.replaceChildren(...pageLink(sight.page));
  parts.notices.replaceChildren(...orNothing([...notices].reverse().map((one) => notice(one, sight.components))));
  parts.mails.replaceChildren(...orNothing([...mails].reverse().map((one) => mail(one, mails))));
  keepFocus(parts.panel, () =>
    parts.troubles.replaceChildren(
      ...sight.troubles.map(({ what, says }) => {
        const on = trouble.includes(what);
        const button = make(
          "button",
          { type: "button", id: `comms-${what}`, "aria-pressed": String(on), title: says },
          what,
        );
        button.addEventListener("click", () => cause(on ? "calm" : what));
        return make("div", { class: "comms-trouble" }, button, make("small", {}, says));
      }),
    ),
  );
}

function pageLink(url) {
  if (!url) return [];
  return [
    "The page the bot serves itself: ",
    make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url),
  ];
}

function notice(one, components) {
  const item = make("li", { class: "comms-notice" }, make("h3", {}, one.name));
  item.dataset.tone = one.status === "resolved" ? "good" : "warn";
  const known = Object.entries(components).map(([id, status]) => `${id}: ${status.replaceAll("_", " ")}`);
  item.append(make("p", { class: "comms-about" }, [`${one.status}, impact ${one.impact}`, ...known].join(" · ")));
  for (const update of one.incident_updates) {
    const words = paragraphs(update.body);
    item.append(
      make(
        "div",
        { class: "comms-words" },
        make("small", {}, `${update.status} · ${clock(update.created_at)}`),
        ...words,
      ),
    );
  }
  return item;
}

function mail(one, all) {
  const copies = all.filter(({ messageId }) => messageId === one.messageId).length;
  const about = [`to ${one.recipients.join(", ")}`, `header ${one.to || "empty"}`, clock(one.at)];
  if (copies > 1) about.push(`arrived ${copies} times, under one Message-ID`);
  return make(
    "li",
    { class: "comms-mail" },
    make("details", {}, make("summary", {}, one.subject || "(no subject)"), ...paragraphs(one.text)),
    make("p", { class: "comms-about" }, about.join(" · ")),
  );
}

function paragraphs(text) {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((part) => make("p", {}, part));
}

function orNothing(items) {
  return items.length > 0 ? items : [make("li", { class: "comms-nothing" }, "Nothing yet.")];
}

async function chaos(parts, root, what) {
  try {
    const answer = await fetch(`${root}/chaos`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ what }),
    });
    parts.said.textContent = answer.ok ? "" : (await answer.json()).error;
  } catch {
    parts.said.textContent = "The mailbox did not answer.";
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

function count(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
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
