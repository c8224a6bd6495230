import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";

/**
 * A button that opens a list of things to pick. Arrow keys move, Enter picks, Esc closes and gives the focus back.
 * @param {{ label: string, face: any, className?: string, items: { key: string, label: any, note?: any, mark?: any, current?: boolean, pick: () => any }[], says?: boolean }} props `says`: the face says in words what it is
 */
export function Menu({ label, face, className = "", items, says = false }) {
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  const list = useRef(null);
  useLayoutEffect(() => {
    if (!open) return undefined;
    const settle = () => place(list.current, root.current);
    // Above everything, so that no scrolling list or pane cuts it off.
    list.current.showPopover();
    settle();
    addEventListener("resize", settle);
    document.addEventListener("scroll", settle, true);
    (root.current.querySelector("[aria-current=true]") ?? root.current.querySelector("[role=menuitem]"))?.focus();
    const away = (event) => root.current.contains(event.target) || setOpen(false);
    document.addEventListener("pointerdown", away);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("scroll", settle, true);
      removeEventListener("resize", settle);
    };
  }, [open]);
  const shut = () => {
    setOpen(false);
    root.current.querySelector("button").focus();
  };
  const move = (event) => {
    const all = [...root.current.querySelectorAll("[role=menuitem]")];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      event.preventDefault();
      shut();
    } else if (to !== undefined && open) {
      event.preventDefault();
      all[(to + all.length) % all.length].focus();
    }
  };
  return html`<span class="menu" ref=${root} onKeyDown=${move}>
    <button type="button" class=${className} aria-haspopup="menu" aria-expanded=${open} aria-label=${says ? undefined : label} title=${says ? undefined : label}
      onClick=${() => setOpen(!open)}>${face}</button>
    ${
      open &&
      html`<span class="menu-list" role="menu" aria-label=${label} popover="manual" ref=${list}>
      ${items.map(
        (
          item,
        ) => html`<button type="button" role="menuitem" key=${item.key} aria-current=${item.current ? "true" : undefined}
          onClick=${() => {
            shut();
            item.pick();
          }}>${item.mark}<span>${item.label}${item.note && html`<small>${item.note}</small>`}</span></button>`,
      )}
    </span>`
    }
  </span>`;
}

const GAP = 4;
const EDGE = 8;

/** Under its button, above it where there is no room, and always within the window. */
function place(list, button) {
  const { top, bottom, left, right } = button.getBoundingClientRect();
  const { width, height } = list.getBoundingClientRect();
  const below = bottom + GAP + height <= innerHeight - EDGE;
  const startsLeft = left + width <= innerWidth - EDGE;
  const [x, y] = [startsLeft ? left : right - width, below ? bottom + GAP : top - GAP - height];
  list.style.left = `${Math.max(EDGE, Math.min(x, innerWidth - EDGE - width))}px`;
  list.style.top = `${Math.max(EDGE, Math.min(y, innerHeight - EDGE - height))}px`;
}
