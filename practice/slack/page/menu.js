import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";

/**
 * A button that opens a list of things to pick. Arrow keys move, Enter picks, Esc closes and gives the focus back.
 * @param {{ label: string, face: any, className?: string, items: { key: string, label: any, note?: any, mark?: any, current?: boolean, pick: () => any }[] }} props
 */
export function Menu({ label, face, className = "", items }) {
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    (root.current.querySelector("[aria-current=true]") ?? root.current.querySelector("[role=menuitem]"))?.focus();
    const away = (event) => root.current.contains(event.target) || setOpen(false);
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
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
    <button type="button" class=${className} aria-haspopup="menu" aria-expanded=${open} aria-label=${label} title=${label}
      onClick=${() => setOpen(!open)}>${face}</button>
    ${
      open &&
      html`<span class="menu-list" role="menu" aria-label=${label}>
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
