import { useRef } from "preact/hooks";
import { html } from "./html.js";
import { useOpen } from "./modal.js";
import { changed, state } from "./state.js";

export function openCanvas(channel) {
  state.canvas = channel;
  changed();
}

/** The canvas of a channel, to read. In Slack people write in it. */
export function Canvas({ channel }) {
  const box = useRef(null);
  useOpen(box);
  const canvas = state.canvases[channel];
  const shut = () => openCanvas(null);
  if (!canvas) return null;
  return html`<dialog class="modal canvas" ref=${box} aria-labelledby="canvas-title" onCancel=${(event) => {
    event.preventDefault();
    shut();
  }}>
    <header>
      <h2 id="canvas-title">📄 ${canvas.title}</h2>
      <button type="button" class="icon" aria-label="Close" onClick=${shut}>✕</button>
    </header>
    <div class="modal-body" tabindex="0" role="document" aria-labelledby="canvas-title">${blocksOf(canvas.markdown)}</div>
    <footer><span class="practice-word">Practice</span><button type="button" class="button" onClick=${shut}>Close</button></footer>
  </dialog>`;
}

/** Headings, lists, tables and paragraphs: what a draft is made of. */
function blocksOf(markdown) {
  const parts = markdown.split(/\n{2,}|\n(?=#{1,3} )|(?<=^#{1,3} .*)\n/m);
  return parts.filter((part) => part.trim() !== "").map(blockOf);
}

function blockOf(part) {
  const lines = part.split("\n").filter((line) => line.trim() !== "");
  const [first = ""] = lines;
  const heading = /^(#{1,3}) (.*)$/.exec(first);
  if (heading) {
    const [, marks, words] = heading;
    return html`<${`h${marks.length + 2}`}>${inline(words)}<//>`;
  }
  if (/^\s*\|/.test(first)) return tableOf(lines);
  if (/^\s*([-*]|\d+\.) /.test(first))
    return html`<ul>${lines.map((line) => html`<li>${inline(line.replace(/^\s*([-*]|\d+\.) /, ""))}</li>`)}</ul>`;
  return html`<p>${lines.map((line, n) => html`${n > 0 && html`<br />`}${inline(line.replace(/^> ?/, ""))}`)}</p>`;
}

function tableOf([head = "", , ...rows]) {
  const cells = (row) =>
    row
      .trim()
      .replace(/^\||\|$/g, "")
      .split(/(?<!\\)\|/);
  const names = cells(head);
  return html`<table>
    ${names.some((name) => name.trim() !== "") && html`<thead><tr>${names.map((cell) => html`<th>${inline(cell.trim())}</th>`)}</tr></thead>`}
    <tbody>${rows.map((row) => html`<tr>${cells(row).map((cell) => html`<td>${inline(cell.trim())}</td>`)}</tr>`)}</tbody>
  </table>`;
}

/** Bold, italics and code; escapes are taken off, links keep their words. Text stays text. */
function inline(text) {
  return text.split(/(\*\*[^*]+\*\*|(?<!\\)\*[^*]+(?<!\\)\*|`[^`]+`)/).map((part) => {
    if (part.startsWith("**")) return html`<strong>${bare(part.slice(2, -2))}</strong>`;
    if (/^\*[^*]+\*$/.test(part)) return html`<em>${bare(part.slice(1, -1))}</em>`;
    if (part.startsWith("`")) return html`<code>${part.slice(1, -1)}</code>`;
    return bare(part);
  });
}

function bare(text) {
  return text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\\([!-/:-@[-`{-~])/g, "$1");
}
