import { useEffect, useRef } from "preact/hooks";
import { html } from "./html.js";
import { changed, go, state } from "./state.js";

const KEY = "tour";
const CHANNEL = "CINCIDENT";

/** Where the reader is: the number of a step, or null when the tour is closed. Remembered by the browser. */
state.tour = localStorage.getItem(KEY) === "closed" ? null : Number(localStorage.getItem(KEY) ?? 0);

/** Three steps. It stands in the page like the banner, so it covers nothing, on a phone neither. */
const steps = [
  {
    title: "What to type",
    says: () => "Suppose something is failing. In #incident-response, type this and press Enter.",
    action: () => ({ label: state.hint, press: () => compose(state.hint) }),
  },
  {
    title: "Whose turn it is",
    says: () =>
      "The card says “Waiting for”. Become that person, open the thread by its replies, and press Approve. Asked for a code? Press “Set up authenticator”: their phone is on the form.",
    action: () => ({ label: "Change who you are", press: people }),
  },
  {
    title: "Where the record is",
    says: () =>
      "Every request, approval and step is on the timeline. This prints it; “Draft post-mortem” writes it up.",
    action: () => ({ label: "/dr timeline", press: () => type("/dr timeline") }),
  },
];

export function Tour() {
  const at = state.tour;
  const title = useRef(null);
  const moved = useRef(false);
  useEffect(() => {
    if (moved.current && at !== null) title.current?.focus();
  }, [at]);
  if (at === null) return null;
  const step = steps[at] ?? steps[0];
  const action = step.action();
  const turn = (to) => {
    moved.current = true;
    show(to);
  };
  return html`<section class="tour" aria-label="Tour">
    <p class="tour-words"><strong ref=${title} tabindex="-1">${at + 1} of ${steps.length}: ${step.title}</strong> <span>${step.says()}</span></p>
    <div class="tour-buttons">
      <button type="button" class="command" onClick=${action.press}>${action.label}</button>
      ${at > 0 && html`<button type="button" class="button" onClick=${() => turn(at - 1)}>Back</button>`}
      ${
        at < steps.length - 1
          ? html`<button type="button" class="button" onClick=${() => turn(at + 1)}>Next</button>`
          : html`<button type="button" class="button" onClick=${() => show(null)}>Done</button>`
      }
      <button type="button" class="icon" aria-label="Close the tour" onClick=${() => show(null)}>✕</button>
    </div>
  </section>`;
}

/** Opens the tour again, at its first step. */
export function TourButton() {
  return state.tour === null && html`<button type="button" class="tour-open" onClick=${() => show(0)}>Tour</button>`;
}

function show(step) {
  state.tour = step;
  localStorage.setItem(KEY, step === null ? "closed" : String(step));
  changed();
}

function people() {
  state.screen = "sidebar";
  changed();
  queueMicrotask(() => /** @type {HTMLElement} */ (document.querySelector(".switcher button"))?.click());
}

function compose(text) {
  go({ kind: "channel", channel: CHANNEL });
  type(text);
}

/** Into the box of the channel that is open. */
function type(text) {
  if (state.screen !== "main") state.screen = "main";
  changed();
  requestAnimationFrame(() => document.dispatchEvent(new CustomEvent("compose", { detail: { text } })));
}
