// What people outside got: mails as they arrived, and the page at the stand-in for Statuspage as customers see it.
import {
  button,
  clock,
  follow,
  headlineOf,
  keepFocus,
  make,
  orNothing,
  panel,
  post,
  say,
  section,
} from "/page/panel.js";

/**
 * Draws the panel into an element and keeps it current.
 * @param {HTMLElement} element emptied first
 * @param {string} root where the readers answer: `/comms`
 * @returns {() => void} takes the panel away again
 */
export function mount(element, root = "/comms") {
  const cause = async (what) => {
    const { ok, body } = await post(`${root}/faults`, { what });
    say(parts.said, ok ? "" : body.error, "bad");
  };
  const parts = skeleton(cause);
  element.replaceChildren(parts.panel);
  const end = follow(
    `${root}/events`,
    (snapshot) => show(parts, snapshot, cause),
    () => say(parts.headline, "The mailbox doesn't answer.", "bad"),
  );
  return () => {
    end();
    element.replaceChildren();
  };
}

function skeleton(cause) {
  const parts = {
    headline: headlineOf(),
    page: make("p", {}),
    mails: make("ol", { class: "panel-cards" }),
    notices: make("ol", { class: "panel-cards" }),
    faultKinds: make("div", { class: "panel-cards" }),
    said: make("p", { class: "panel-said", role: "status" }),
  };
  parts.panel = panel(
    "Readers",
    parts.headline,
    section("Status page, as customers see it", parts.page, parts.notices),
    section("Mails, as they arrived", parts.mails),
    section(
      "Break something",
      parts.faultKinds,
      button("Calm everything", () => cause("calm")),
      parts.said,
    ),
  );
  return parts;
}

function show(parts, { mails, notices, activeFaults, faultKinds, components, page }, cause) {
  if (activeFaults.length > 0) say(parts.headline, `Trouble: ${activeFaults.join(", ")}.`, "bad");
  else
    say(parts.headline, `${count(mails.length, "mail")}, ${count(notices.length, "incident")} at Statuspage.`, "good");
  parts.page.replaceChildren(...pageLink(page));
  parts.notices.replaceChildren(...orNothing([...notices].reverse().map((one) => notice(one, components))));
  parts.mails.replaceChildren(...orNothing([...mails].reverse().map((one) => mail(one, mails))));
  keepFocus(parts.panel, () =>
    parts.faultKinds.replaceChildren(
      ...faultKinds.map(({ what, says }) => {
        const on = activeFaults.includes(what);
        const press = () => cause(on ? "calm" : what);
        const pressed = { id: `comms-${what}`, "aria-pressed": String(on), "aria-description": says };
        return make("div", {}, button(what, press, pressed), " ", make("small", {}, says));
      }),
    ),
  );
}

function pageLink(url) {
  if (!url) return [];
  return ["The bot's own status page: ", make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url)];
}

function notice(one, components) {
  const item = make("li", { class: "panel-card" }, make("h3", {}, one.name));
  item.dataset.tone = one.status === "resolved" ? "good" : "warn";
  const known = Object.entries(components).map(([id, status]) => `${id}: ${status.replaceAll("_", " ")}`);
  item.append(make("p", { class: "panel-note" }, [`${one.status}, impact ${one.impact}`, ...known].join(" · ")));
  for (const update of one.incident_updates) {
    const head = make("small", {}, `${update.status} · ${clock(update.created_at)}`);
    item.append(make("div", { class: "panel-words" }, head, ...paragraphs(update.body)));
  }
  return item;
}

function mail(one, all) {
  const copies = all.filter(({ messageId }) => messageId === one.messageId).length;
  const about = [`to ${one.recipients.join(", ")}`, `header ${one.to || "empty"}`, clock(one.at)];
  if (copies > 1) about.push(`arrived ${copies} times, under one Message-ID`);
  return make(
    "li",
    { class: "panel-card" },
    make("details", {}, make("summary", {}, one.subject || "(no subject)"), ...paragraphs(one.text)),
    make("p", { class: "panel-note" }, about.join(" · ")),
  );
}

function paragraphs(text) {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((part) => make("p", {}, part));
}

function count(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}
