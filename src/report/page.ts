import { Marked } from "marked";
import { html } from "./markup.ts";

/** Marks that a value can't hold (`markdown` takes private-use characters out): `#12` in a template's own words, and where a long word may break. */
const EVENT = { from: "\ue000", to: "\ue001" } as const;
const MAY_BREAK = "\ue002";

/** Longer than this, a word may be broken where it has punctuation, or else every so many characters. */
const WORD_MAX = 30;

/**
 * A report's Markdown as the body of an HTML page. Nothing of it is markup of its own: HTML in it is shown as text, links lead to
 * the web or into the page, and no image is loaded. `pictures`: SVG by the name the Markdown calls it by.
 * The last place an event is named (`#12`, in the timeline) is where the others lead.
 */
export function bodyOf(markdown: string, pictures: ReadonlyMap<string, string>): string {
  const marked = new Marked({ gfm: true, async: false });
  marked.use({
    renderer: {
      html: ({ text }) => html(text),
      text(token) {
        if ("tokens" in token && token.tokens) return this.parser.parseInline(token.tokens);
        const own = token.type === "text" ? token.text.replace(/#(\d+)/g, `${EVENT.from}$1${EVENT.to}`) : token.text;
        return inText(own);
      },
      codespan: ({ text }) => `<code>${inText(text)}</code>`,
      code: ({ text }) => `<pre><code>${text.split("\n").map(html).join("\n")}</code></pre>\n`,
      link(token) {
        const says = this.parser.parseInline(token.tokens);
        return /^(https?:\/\/|mailto:|#)/i.test(token.href) ? `<a href="${html(token.href)}">${says}</a>` : says;
      },
      image({ href, text }) {
        const svg = pictures.get(href);
        return svg === undefined ? html(text) : `<span class="picture">${svg}</span>`;
      },
      checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
      hr: () => "<hr>\n",
      br: () => "<br>\n",
      table({ header, rows }) {
        const heads = header.map((cell) => this.parser.parseInline(cell.tokens));
        const names = header.map(({ tokens, text }) => (tokens.length === 0 ? "" : plain(text)));
        const head = heads.some((one) => one !== "")
          ? `<thead>\n<tr>${heads.map(headCell).join("")}</tr>\n</thead>\n`
          : "";
        const body = rows.map(
          (row) =>
            `<tr>${row.map((cell, at) => bodyCell(this.parser.parseInline(cell.tokens), names[at] ?? "", at === 0 && names[0] === "")).join("")}</tr>`,
        );
        return `<table>\n${head}<tbody>\n${body.join("\n")}\n</tbody>\n</table>\n`;
      },
    },
  });
  return linked(marked.parse(markdown, { async: false }));
}

function headCell(says: string): string {
  return says === "" ? "<td></td>" : `<th scope="col">${says}</th>`;
}

function bodyCell(says: string, name: string, isHead: boolean): string {
  if (isHead && says !== "") return `<th scope="row">${says}</th>`;
  return `<td${name === "" ? "" : ` data-label="${html(name)}"`}>${says}</td>`;
}

/** What a column is called, on a narrow screen where its cells stand below each other. */
function plain(text: string): string {
  return text.replace(/\\(?=[\\`*_{}[\]<>#|~!&$@+=:.-])/g, "").replace(/\*\*/g, "");
}

/** Escaped, with places where a word too long for any column may break. */
function inText(text: string): string {
  return html(text.replace(/\S{31,}/g, breakable)).replaceAll(MAY_BREAK, "<wbr>");
}

function breakable(word: string): string {
  const parts = word
    .split(/(?<=[/.:,;_=?&-])/)
    .flatMap((part) => part.match(new RegExp(`.{1,${WORD_MAX}}`, "gsu")) ?? []);
  return parts.join(MAY_BREAK);
}

function linked(page: string): string {
  const last = new Map<string, number>();
  const mark = new RegExp(`${EVENT.from}(\\d+)${EVENT.to}`, "g");
  for (const { 1: event = "", index } of page.matchAll(mark)) last.set(event, index);
  return page.replace(mark, (_, event: string, index: number) =>
    last.get(event) === index
      ? `<span id="event-${event}">#${event}</span>`
      : `<a href="#event-${event}">#${event}</a>`,
  );
}
