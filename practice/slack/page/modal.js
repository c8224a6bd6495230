import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Blocks } from "./blocks.js";
import { html } from "./html.js";
import { plain, textOf } from "./mrkdwn.js";
import { act, state, userOf } from "./state.js";

/** The modal on top of this person's stack. */
export function Modal() {
  const stack = state.modals[state.me] ?? [];
  const view = stack.at(-1);
  return view ? html`<${Shown} key=${`${state.me} ${view.id}`} view=${view} depth=${stack.length} />` : null;
}

function Shown({ view, depth }) {
  const [filled, setFilled] = useState({});
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState({});
  const box = useRef(null);
  useOpen(box);
  const close = () => act({ do: "close", view: view.id });
  const submit = async (event) => {
    event.preventDefault();
    if (!view.submit) return;
    setBusy(true);
    const outcome = await act({ do: "submit", view: view.id, filled });
    setBusy(false);
    setErrors(outcome.errors ?? {});
    setFailure(outcome.ok || outcome.errors ? null : outcome);
    if (outcome.errors)
      requestAnimationFrame(() => {
        const faulty = box.current?.querySelector(".faulty");
        faulty?.querySelector("input, select, textarea")?.focus({ preventScroll: true });
        // What is wrong stands below the field: both are to be seen.
        faulty?.scrollIntoView({ block: "center" });
      });
  };
  const fill = (block, action, choice) =>
    setFilled((before) => ({ ...before, [block]: { ...before[block], [action]: choice } }));
  return html`<dialog class="modal" ref=${box} aria-labelledby="modal-title" onCancel=${(event) => {
    event.preventDefault();
    close();
  }}>
    <form onSubmit=${submit} method="dialog">
      <header>
        ${depth > 1 && html`<button type="button" class="icon" aria-label="Back" onClick=${close}>‹</button>`}
        <img class="avatar small" src="/page/icon.svg" alt="" />
        <h2 id="modal-title">${plain(view.title)}</h2>
        <button type="button" class="icon" aria-label="Close" onClick=${() => act({ do: "close", view: view.id, all: true })}>✕</button>
      </header>
      <div class="modal-body" tabindex="-1">
        <${Blocks} blocks=${view.blocks} place=${{ view: view.id }} filled=${filled} fill=${fill} failed=${setFailure} errors=${errors} level=${3} />
        ${failure && html`<p class="fault" role="alert">⚠ ${failure.said}</p>`}
      </div>
      <${Beside} view=${view} fill=${fill} />
      <footer>
        <span class="practice-word">Practice</span>
        <button type="button" class="button" onClick=${close}>${view.close ? plain(view.close) : "Cancel"}</button>
        ${view.submit && html`<button type="submit" class="button primary" aria-busy=${busy} disabled=${busy}>${plain(view.submit)}</button>`}
      </footer>
    </form>
  </dialog>`;
}

/** What practice lays beside a form, such as the phone that shows the code it wants. Panels say what, if anything. */
function Beside({ view, fill }) {
  return state.panels.map((panel) => html`<${BesideOne} key=${panel.url} ...${{ panel, view, fill }} />`);
}

function BesideOne({ panel, view, fill }) {
  const box = useRef(null);
  useEffect(() => {
    let undo;
    let gone = false;
    import(panel.url)
      .then(({ besideForm }) => {
        const user = userOf(state.me);
        if (gone || !besideForm) return;
        undo = besideForm(box.current, { base: panel.base, user: user.id, name: user.real_name, view, fill });
      })
      .catch(() => {});
    return () => {
      gone = true;
      undo?.();
    };
  }, [panel.url, view]);
  return html`<div class="beside-form" ref=${box}></div>`;
}

/** Slack's confirm dialog, before anything is sent. */
export function Confirm() {
  return state.confirm ? html`<${Asking} ...${state.confirm} />` : null;
}

function Asking({ dialog, answer }) {
  const box = useRef(null);
  useOpen(box);
  return html`<dialog class="modal confirm" ref=${box} role="alertdialog" aria-labelledby="confirm-title" aria-describedby="confirm-text"
    onCancel=${(event) => {
      event.preventDefault();
      answer(false);
    }}>
    <header><h2 id="confirm-title">${plain(dialog.title)}</h2></header>
    <div class="modal-body" id="confirm-text">${textOf(dialog.text)}</div>
    <footer>
      <button type="button" class="button" onClick=${() => answer(false)}>${plain(dialog.deny)}</button>
      <button type="button" class=${`button ${dialog.style === "danger" ? "danger" : "primary"}`} onClick=${() => answer(true)}>${plain(dialog.confirm)}</button>
    </footer>
  </dialog>`;
}

/** Opens a dialog over everything, first field in focus, and gives the focus back when it goes. */
export function useOpen(box) {
  useLayoutEffect(() => {
    const dialog = box.current;
    const before = /** @type {HTMLElement} */ (document.activeElement);
    dialog.showModal();
    const first = dialog.querySelector("[autofocus], .modal-body input, .modal-body select, .modal-body textarea");
    // What stands above the first field is to be read first.
    /** @type {HTMLElement} */ (first ?? dialog.querySelector("footer .button"))?.focus({ preventScroll: true });
    return () => {
      // While a modal dialog is open nothing outside it can have the focus.
      dialog.close();
      // What was pressed may be gone, drawn again or not pressable any more: then back to where one types.
      before?.focus?.();
      if (document.activeElement === document.body || document.activeElement === null)
        /** @type {HTMLElement} */ ([...document.querySelectorAll(".composer textarea")].at(-1))?.focus();
    };
  }, []);
}
