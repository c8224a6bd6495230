// People's phones: what rings, and the button that answers it.
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

/** Draws the panel into an element and keeps it current. @returns {() => void} takes it away again */
export function mount(element, root = "/pager") {
  const act = async (body) => {
    const { ok, body: said } = await post(`${root}/do`, body);
    say(parts.said, ok ? "" : said.error, "bad");
  };
  const parts = skeleton(act);
  element.replaceChildren(parts.panel);
  const end = follow(
    `${root}/events`,
    (snapshot) => show(parts, snapshot, act),
    () => say(parts.headline, "The pager doesn't answer.", "bad"),
  );
  return () => {
    end();
    element.replaceChildren();
  };
}

function skeleton(act) {
  const parts = {
    headline: headlineOf(),
    phones: make("ul", { class: "panel-cards side-by-side" }),
    faultKinds: make("div", { class: "panel-buttons" }),
    asked: make("ul", { class: "panel-log" }),
    said: make("p", { class: "panel-said", role: "status" }),
  };
  const alarm = button("Let a monitor raise the alarm", () => act({ what: "alarm" }), {
    "aria-description": "An incident begins in PagerDuty, not here",
  });
  const calm = button("Calm everything", () => act({ what: "fault", name: "calm" }));
  parts.panel = panel(
    "Phones",
    parts.headline,
    section("Phones", parts.phones),
    section("From outside", alarm),
    section("Break PagerDuty", parts.faultKinds, make("p", { class: "panel-said" }, calm), parts.said),
    section("Requests it got", parts.asked),
  );
  return parts;
}

function show(parts, snapshot, act) {
  say(parts.headline, ...sayAll(snapshot));
  keepFocus(parts.panel, () => {
    parts.phones.replaceChildren(...snapshot.phones.map((phone) => drawPhone(phone, act)));
    parts.faultKinds.replaceChildren(
      ...snapshot.faultKinds.map((one) => {
        const on = snapshot.activeFaults.includes(one.what);
        return button(one.says, () => act({ what: "fault", name: one.what, on: !on }), {
          id: `pager-${one.what}`,
          "aria-pressed": String(on),
          title: one.explains,
          "aria-description": one.explains,
        });
      }),
    );
  });
  parts.asked.replaceChildren(
    ...orNothing(
      snapshot.asked.map((one) => {
        const line = make("li", {}, `${clock(one.at)} ${one.says}`);
        if (one.bad) line.dataset.tone = "bad";
        return line;
      }),
    ),
  );
}

/** One sentence for all phones, worst thing first. */
function sayAll(snapshot) {
  const ringing = snapshot.phones.filter((phone) => phone.pages.some((page) => page.ringing)).map(({ name }) => name);
  const activeFaults = snapshot.faultKinds
    .filter(({ what }) => snapshot.activeFaults.includes(what))
    .map(({ says }) => says.toLowerCase());
  if (activeFaults.length > 0) return [`PagerDuty fails: ${activeFaults.join(", ")}.`, "bad"];
  if (ringing.length > 0) return [`Ringing: ${ringing.join(" and ")}.`, "warn"];
  return ["All phones are quiet.", "good"];
}

function drawPhone(phone, act) {
  const rings = phone.pages.some((page) => page.ringing);
  const duty = phone.onCallFor.length > 0 ? `On call: ${phone.onCallFor.join(", ")}` : "Not on call";
  const item = make(
    "li",
    { class: "panel-card" },
    make("p", { class: "panel-name" }, `${rings ? "📳 " : ""}${phone.name}`),
    make("p", {}, duty),
    ...phone.pages.map((page) => drawPage(page, phone, act)),
  );
  if (rings) item.dataset.tone = "warn";
  return item;
}

function drawPage(page, phone, act) {
  const by = page.by.length > 0 ? `, answered by ${page.by.join(" and ")}` : "";
  const since = `${page.ringing ? "Ringing since" : "Rang at"} ${clock(page.since)}${by}`;
  const box = make(
    "div",
    { class: "panel-part" },
    make("p", { class: "panel-name" }, page.title),
    make("p", {}, since),
  );
  if (page.ringing) {
    const press = () => act({ what: "acknowledge", incident: page.id, user: phone.user });
    const called = {
      id: `pager-${page.id}-${phone.user}`,
      "aria-label": `Acknowledge as ${phone.name}: ${page.title}`,
    };
    box.append(button("Acknowledge", press, called));
  }
  return box;
}
