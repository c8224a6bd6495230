// The authenticator apps of the personas: what each phone shows now, and, beside a form that wants a code, this person's.
import { button, follow, headlineOf, keepFocus, make, panel, post, say, section } from "/page/panel.js";

/** Draws the panel into an element and keeps it current. @returns {() => void} takes it away again */
export function mount(element, root = "/authenticators") {
  const headline = headlineOf("");
  const phones = make("ul", { class: "panel-cards" });
  const type = button(
    "/dr enroll",
    () => {
      document.dispatchEvent(new CustomEvent("compose", { detail: { text: "/dr enroll" } }));
    },
    { class: "panel-type" },
  );
  const how = make("p", { class: "panel-note" }, "To set one up, become that person and type:", type);
  element.replaceChildren(panel("Authenticators", headline, section("Phones", phones), how));
  const clock = ticking(() => element);
  const end = follow(
    `${root}/events`,
    (state) => {
      clock.set(state);
      const enrolled = state.phones.filter(({ entries }) => entries.length > 0);
      const names = enrolled.map(({ name }) => name).join(" and ");
      say(headline, names === "" ? "No authenticator is set up." : `Set up: ${names}.`);
      keepFocus(element, () => phones.replaceChildren(...enrolled.map((phone) => drawPhone(phone, clock))));
      clock.draw();
    },
    () => say(headline, "The phones don't answer.", "bad"),
  );
  return () => {
    end();
    clock.end();
    element.replaceChildren();
  };
}

function drawPhone({ user, name, entries }, clock) {
  return make(
    "li",
    { class: "panel-card" },
    make("p", { class: "panel-name" }, `📱 ${name}`),
    ...entries.map((entry, i) => {
      const said = make("small", { role: "status" });
      const copy = async () => {
        await navigator.clipboard.writeText(entry.code).then(
          () => say(said, "Copied"),
          () => say(said, "The browser doesn't allow copying."),
        );
      };
      return make(
        "div",
        {},
        make("p", {}, i === 0 ? entry.label : `${entry.label} (before)`),
        codeOf(
          entry,
          clock,
          button("Copy", copy, { id: `copy-${user}-${i}`, "aria-label": `Copy the code of ${name}` }),
        ),
        said,
      );
    }),
  );
}

/**
 * Beside a form: scans the QR code it shows, and fills in the code it wants. A form that does neither gets nothing.
 * @param {HTMLElement} element emptied first
 * @param {{ base: string, user: string, name: string, view: any, fill: (block: string, action: string, value: string) => void }} form
 * @returns {() => void} takes it away again
 */
export function besideForm(element, { base, user, name, view, fill }) {
  const fields = view.blocks.filter(({ type, element: one }) => type === "input" && one.placeholder?.text === "123456");
  if (fields.length === 0) return () => {};
  const showsKey = JSON.stringify(view.blocks).includes("otpauth://");
  const clock = ticking(() => element);
  const said = make("small", { role: "status" });
  const [first] = name.split(" ");
  const scan = async () => {
    const { ok, body } = await post(`${base}/scan`, { user });
    say(said, ok ? "Scanned." : body.error);
  };
  const parts = ({ canScan, entries }) => {
    if (showsKey && canScan) return [button(`📱 Scan with ${first}'s phone`, scan, { id: "beside-form-scan" })];
    if (entries.length === 0) return [make("small", {}, `${first}'s phone has no authenticator yet: type /dr enroll.`)];
    // A form with two asks for a code of the one before, then for one of the new one.
    return fields.map((field, i) => codeFor(field, entries[fields.length - 1 - i] ?? entries[0]));
  };
  const end = follow(
    `${base}/events`,
    (state) => {
      clock.set(state);
      const phone = state.phones.find((one) => one.user === user);
      if (!phone) return;
      const hadFocus = element.contains(document.activeElement);
      element.replaceChildren(...parts(phone), said);
      if (hadFocus) element.querySelector("button:not(:disabled)")?.focus();
      clock.draw();
    },
    () => say(said, "The phone doesn't answer."),
  );
  return () => {
    end();
    clock.end();
    element.replaceChildren();
  };

  function codeFor(field, entry) {
    const press = () => {
      fill(field.block_id, field.element.action_id, entry.code);
      void post(`${base}/used`, { user, entry: entry.id });
      say(said, "Filled in.");
    };
    const into = button("Fill in", press, { "aria-label": `Fill in: ${field.label.text}` });
    into.disabled = entry.used;
    const line = codeOf(entry, clock, into);
    line.prepend(make("span", {}, fields.length > 1 ? `📱 ${field.label.text}` : `📱 ${first}'s phone`));
    return line;
  }
}

function codeOf({ code, used, until }, clock, ...more) {
  const left = make("progress", { max: "30", "aria-label": "Seconds left" });
  const words = make("span", { "aria-hidden": "true" });
  clock.show(until, left, words, used);
  return make(
    "div",
    { class: "panel-code" },
    make("output", {}, used ? "used" : `${code.slice(0, 3)} ${code.slice(3)}`),
    left,
    words,
    ...more,
  );
}

/** Counts down by the server's clock, whatever the browser's says. */
function ticking(where) {
  let ahead = 0;
  let shown = [];
  const draw = () => {
    for (const { until, left, words, used } of shown) {
      const seconds = Math.max(0, Math.ceil((until - Date.now() - ahead) / 1000));
      left.value = seconds;
      words.textContent = used ? `next in ${seconds} s` : `${seconds} s`;
    }
  };
  const timer = setInterval(() => where().isConnected && draw(), 500);
  return {
    set({ now }) {
      ahead = now - Date.now();
      shown = [];
    },
    show: (until, left, words, used) => shown.push({ until, left, words, used }),
    draw,
    end: () => clearInterval(timer),
  };
}
