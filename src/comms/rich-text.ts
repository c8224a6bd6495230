import { plain, safe } from "../../templates/messages/kit/escape.ts";

/**
 * A rendered text before any channel has it: paragraphs and lists of runs. What a person or a target wrote is only ever
 * the text of a run: a paragraph, a list, bold and a link come from the template alone, so nothing that is filled in can
 * make one in any channel.
 */
export type RichText = readonly Paragraph[];
export interface Paragraph {
  readonly kind: "paragraph" | "list";
  readonly lines: readonly (readonly Run[])[];
}
export type Run = { readonly text: string; readonly bold: boolean } | { readonly link: string };

/** An address that is ours to show as a link: from the catalogue or the configuration, never from a field. */
export class Address {
  readonly url: string;

  constructor(url: string) {
    this.url = new URL(url).href.replace(/[<>|"'`\s]/g, (mark) => encodeURIComponent(mark));
  }
}

// Private-use characters mark what the template means. `plain` takes them out of everything that is filled in.
const BOLD = ["\ue000", "\ue001"] as const;
const LINK = ["\ue002", "\ue003"] as const;
const FILLED = "\ue004";

/** A template's own marks (`**bold**`), set before anything is filled in. */
export function withMarks(source: string): string {
  return source.replace(/[\ue000-\uf8ff]/g, "").replace(/\*\*([^*\n]+)\*\*/g, `${BOLD[0]}$1${BOLD[1]}`);
}

/** What the template engine puts in the place of every value: one line without marks, or a link of ours. */
export function filled(value: unknown): string {
  if (value instanceof Address) return `${LINK[0]}${value.url}${LINK[1]}`;
  return `${FILLED}${plain(String(value ?? ""))}`;
}

export function wordsOf(rendered: string): RichText {
  return rendered
    .split(/\n\s*\n/)
    .map((block) =>
      block
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line.replaceAll(FILLED, "") !== ""),
    )
    .filter((lines) => lines.length > 0)
    .flatMap((lines) => paragraphs(lines));
}

/** One line of plain text: a subject, a name. */
export function lineOf(rendered: string): string {
  return plain(rendered.replace(/[\ue000-\uf8ff]/g, ""));
}

function paragraphs(lines: readonly string[]): Paragraph[] {
  const made: { kind: Paragraph["kind"]; lines: Run[][] }[] = [];
  for (const line of lines) {
    const item = line.startsWith("- ");
    const kind = item ? "list" : "paragraph";
    const runs = runsOf(item ? line.slice(2) : line);
    const last = made.at(-1);
    if (last?.kind === kind) last.lines.push(runs);
    else made.push({ kind, lines: [runs] });
  }
  return made;
}

function runsOf(line: string): Run[] {
  const runs: Run[] = [];
  let bold = false;
  for (const part of line.replaceAll(FILLED, "").split(/([\ue000\ue001]|\ue002[^\ue002\ue003]*\ue003)/)) {
    if (part === BOLD[0] || part === BOLD[1]) bold = part === BOLD[0];
    else if (part.startsWith(LINK[0])) runs.push({ link: part.slice(1, -1) });
    else if (part !== "") runs.push({ text: part, bold });
  }
  return runs;
}

/** mrkdwn: whole, escaped, and the same length limit as any message. */
export function toSlack(words: RichText): string {
  const run = (one: Run) => {
    if ("link" in one) return `<${one.link}>`;
    const text = edged(one.text, (inner) => unlinked(safe(inner)));
    return one.bold ? edged(text, (inner) => `*${inner}*`) : text;
  };
  return laidOut(words, "• ", run);
}

/** For mail read as text, and for status pages, which may read markup into what they are given. */
export function toText(words: RichText): string {
  return laidOut(words, "- ", (run) => ("link" in run ? run.link : unlinked(run.text)));
}

/** The same where `<`, `[` and their like could be read as markup and entities would be seen as they are. */
export function toPage(words: RichText): string {
  return laidOut(words, "- ", (run) => ("link" in run ? run.link : unmarked(unlinked(run.text))));
}

export function toHtml(words: RichText): string {
  const run = (one: Run) => {
    if ("link" in one) return `<a href="${inHtml(one.link)}">${inHtml(one.link)}</a>`;
    const text = inHtml(unlinked(one.text));
    return one.bold ? `<strong>${text}</strong>` : text;
  };
  return words
    .map(({ kind, lines }) => {
      const shown = lines.map((line) => line.map(run).join(""));
      if (kind === "list") return `<ul>\n${shown.map((line) => `<li>${line}</li>`).join("\n")}\n</ul>`;
      return `<p>${shown.join("<br>\n")}</p>`;
    })
    .join("\n");
}

export function inHtml(words: string): string {
  return words.replace(/[&<>"'`]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** Marks of HTML and Markdown as their look-alikes. */
export function unmarked(words: string): string {
  return words.replace(/[<>[\]`*_]/g, (mark) => LOOKALIKES[mark] as string);
}

const LOOKALIKES: Readonly<Record<string, string>> = {
  "<": "‹",
  ">": "›",
  "[": "⁅",
  "]": "⁆",
  "`": "ˋ",
  "*": "∗",
  _: "ˍ",
};

/**
 * Mail readers make links of whatever looks like an address. A word joiner no one sees keeps `://`, `www.`, `name@host`
 * and `host.tld` from looking like one.
 */
export function unlinked(words: string): string {
  return words
    .replace(/:(?=\/\/)/g, ":\u2060")
    .replace(/mailto:/gi, "mailto\u2060:")
    .replace(/@(?=\S)/g, "@\u2060")
    .replace(/(?<=[\p{L}\p{N}])\.(?=\p{L}{2,})/gu, ".\u2060");
}

function laidOut(words: RichText, bullet: string, run: (one: Run) => string): string {
  return words
    .map(({ kind, lines }) =>
      lines.map((line) => `${kind === "list" ? bullet : ""}${line.map(run).join("")}`).join("\n"),
    )
    .join("\n\n");
}

/** Blanks at the edges separate a run from its neighbours and stay outside of whatever is done to it. */
function edged(text: string, change: (inner: string) => string): string {
  const inner = text.trim();
  if (inner === "") return text;
  return `${/^\s/.test(text) ? " " : ""}${change(inner)}${/\s$/.test(text) ? " " : ""}`;
}
