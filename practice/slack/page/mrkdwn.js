import { emojiOf } from "./emoji.js";
import { html } from "./html.js";
import { channelOf, go, state, userOf } from "./state.js";

/** Slack's mrkdwn as virtual DOM. What is not understood stays text; nothing becomes HTML. @param {string} source */
export function mrkdwn(source) {
  return String(source ?? "")
    .split(/(```[\s\S]*?```)/)
    .map((part) =>
      part.startsWith("```") && part.length >= 6
        ? html`<pre>${plainOf(part.slice(3, -3).replace(/^\n|\n$/g, ""))}</pre>`
        : lines(part),
    );
}

/** A plain_text object: emoji names and entities only. @param {any} text */
export function plain(text) {
  const words = typeof text === "string" ? text : (text?.text ?? "");
  return typeof text === "object" && text?.emoji === false ? words : withEmoji(words);
}

/** A text object of either kind. @param {any} text */
export function textOf(text) {
  if (!text) return null;
  return text.type === "mrkdwn" ? mrkdwn(text.text) : plain(text);
}

function lines(source) {
  const out = [];
  let quote = null;
  const all = source.replace(/^\n|\n$/g, "").split("\n");
  all.forEach((line, i) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (quote) quote.push(html`<br />`);
      else {
        quote = [];
        out.push({ quote });
      }
      quote.push(inline(quoted[1] ?? ""));
      return;
    }
    const after = quote !== null;
    quote = null;
    if (i > 0 && !after) out.push({ node: html`<br />` });
    out.push({ node: inline(line) });
  });
  return out.map((part) => (part.quote ? html`<blockquote>${part.quote}</blockquote>` : part.node));
}

const MARKS = { "*": "strong", _: "em", "~": "del" };
/** Code, a reference in angle brackets, an emoji name, or something between formatting marks. */
const INLINE =
  /(`[^`\n]+`)|<([^<>\n]+)>|:([a-z0-9_+-]+):|(?<![\p{L}\p{N}])([*_~])(?=\S)((?:(?!\4).)*?\S)\4(?![\p{L}\p{N}])/gu;

function inline(source) {
  const out = [];
  let from = 0;
  for (const match of source.matchAll(INLINE)) {
    const [whole, code, reference, short, mark, inner] = match;
    out.push(plainOf(source.slice(from, match.index)));
    from = match.index + whole.length;
    if (code) out.push(html`<code>${plainOf(code.slice(1, -1))}</code>`);
    else if (reference) out.push(referTo(reference, whole));
    else if (short)
      out.push(
        emojiOf(short)
          ? html`<span role="img" aria-label=${short.replaceAll("_", " ")}>${emojiOf(short)}</span>`
          : whole,
      );
    else out.push(html`<${MARKS[mark]}>${inline(inner)}<//>`);
  }
  out.push(plainOf(source.slice(from)));
  return out;
}

function referTo(reference, whole) {
  const [target = "", label] = reference.split(/\|(.*)/s);
  if (target.startsWith("@")) return mention(target.slice(1));
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!subteam^")) return html`<span class="mention">${label ?? groupName(target.slice(9))}</span>`;
  if (/^!(here|channel|everyone)$/.test(target)) return html`<span class="mention loud">@${target.slice(1)}</span>`;
  return link(target, label ? plainOf(label) : plainOf(target)) ?? plainOf(whole);
}

/** A link that opens elsewhere; null for what is not a web or mail address. */
export function link(address, label) {
  const href = plainOf(address);
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return null;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${label}</a>`;
}

function mention(id) {
  const user = userOf(id);
  return html`<span class=${`mention ${id === state.me ? "me" : ""}`}>@${user.real_name}</span>`;
}

function channelLink(id, label) {
  const channel = channelOf(id);
  if (!channel) return html`<span class="mention">#${label ?? id}</span>`;
  return html`<button type="button" class="mention link" onClick=${() => go({ kind: "channel", channel: id })}>#${channel.name}</button>`;
}

function groupName(id) {
  return `@${state.groups.find((group) => group.id === id)?.handle ?? id}`;
}

/** `!date^seconds^{format}^link` in the reader's own clock. */
function date(target, fallback) {
  const [, seconds = "", format = "", address] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback ?? "";
  const shown = format.replace(/\{(\w+)\}/g, (whole, token) => dateTokens[token]?.(at) ?? whole);
  const time = html`<time datetime=${at.toISOString()} title=${at.toISOString()}>${shown}</time>`;
  return (address && link(address, time)) || time;
}

const day = (options) => (at) => at.toLocaleDateString("en", options);
const short = { month: "short", day: "numeric", year: "numeric" };
const long = { weekday: "long", month: "long", day: "numeric", year: "numeric" };
const usual = { month: "long", day: "numeric", year: "numeric" };
const dateTokens = {
  date_num: (at) => at.toISOString().slice(0, 10),
  date_slash: day({}),
  date: day(usual),
  date_short: day(short),
  date_long: day(long),
  date_pretty: pretty(usual),
  date_short_pretty: pretty(short),
  date_long_pretty: pretty(long),
  time: (at) => at.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" }),
  time_secs: (at) => at.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (at) => `${Math.max(0, Math.round((Date.now() - at.getTime()) / 60_000))} minutes ago`,
};

function pretty(options) {
  return (at) => {
    const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
    return { "-1": "Tomorrow", 0: "Today", 1: "Yesterday" }[days] ?? at.toLocaleDateString("en", options);
  };
}

function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emojiOf(name) ?? whole);
}

/** Slack's three entities as characters. */
function plainOf(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** The `markdown` block: headings, lists, quotes, code. @param {string} source */
export function markdown(source) {
  return source.split(/(^```[\s\S]*?^```\s*$)/m).map((part) => {
    const code = /^```\w*\n([\s\S]*?)\n?```\s*$/.exec(part);
    return code ? html`<pre>${code[1]}</pre>` : runs(part.split("\n").filter((row) => row.trim() !== "")).map(drawRun);
  });
}

const ROWS = [
  { kind: "heading", mark: /^#{1,6} / },
  { kind: "ul", mark: /^\s*[-*] / },
  { kind: "ol", mark: /^\s*\d+\. / },
  { kind: "quote", mark: /^> ?/ },
  { kind: "text", mark: /^/ },
];

/** Neighbouring rows of one kind together: the items of one list, the lines of one quote. */
function runs(rows) {
  const all = [];
  for (const row of rows) {
    const { kind, mark } = ROWS.find((one) => one.mark.test(row));
    const last = all.at(-1);
    const item = words(row.replace(mark, ""));
    if (last?.kind === kind && kind !== "heading" && kind !== "text") last.items.push(item);
    else all.push({ kind, items: [item] });
  }
  return all;
}

function drawRun({ kind, items }) {
  if (kind === "heading") return html`<p class="heading"><strong>${items}</strong></p>`;
  if (kind === "quote") return html`<blockquote>${items.map((item) => html`<p>${item}</p>`)}</blockquote>`;
  if (kind === "text") return html`<p>${items}</p>`;
  return html`<${kind}>${items.map((item) => html`<li>${item}</li>`)}<//>`;
}

function words(source) {
  return source.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)\s]+\))/).map((part) => {
    const address = /^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(part);
    if (address) return link(address[2], address[1]) ?? address[1];
    if (/^`.+`$/.test(part)) return html`<code>${part.slice(1, -1)}</code>`;
    if (/^\*\*.+\*\*$/.test(part)) return html`<strong>${part.slice(2, -2)}</strong>`;
    if (/^\*.+\*$/.test(part)) return html`<em>${part.slice(1, -1)}</em>`;
    return withEmoji(part);
  });
}
