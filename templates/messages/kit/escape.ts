/**
 * Other people's words inside our sentences. Everything a person, a catalogue or a target wrote goes through `safe`
 * before it stands in mrkdwn; nothing else escapes.
 *
 * After it the words can't ping, link, format, quote, start a line, hide, turn the reading direction, or pass a letter for its twin. `&`, `<` and
 * `>` become the entities Slack asks for; it documents no escape for its formatting marks, so those become their nearest
 * look-alikes. The timeline keeps the words as they were written.
 */
export function safe(words: string): string {
  return tame(words).replace(/[&<>]/g, (mark) => ENTITIES[mark] as string);
}

/** `safe`, but what we tell people to type (`` `/dr resolve` ``, `` `--due 2026-12-24` ``) stays a code span. For our own sentences. */
export function withCommands(words: string): string {
  return words
    .split(/(`(?:\/dr|--[a-z]|lifeboat )[^`]*`)/)
    .map((part, n) => (n % 2 === 1 ? `\`${safe(part.slice(1, -1))}\`` : edges(part)))
    .join("");
}

/** The same words for a `plain_text` element, which Slack does not parse: only what hides or turns them is removed. */
export function plain(words: string): string {
  return visible(words);
}

/** Words of at most `length` characters, ending in `…` when some were left out. Cut before escaping, never after. */
export function cut(words: string, length: number): string {
  const letters = [...words];
  return letters.length <= length ? words : `${letters.slice(0, length - 1).join("")}…`;
}

/** The same, but never within a word, as long as about half of it stays: "Fence orders-b, or…". */
export function cutAtWord(words: string, length: number): string {
  const kept = cut(words, length);
  if (kept === words) return words;
  let end = kept.length;
  while (end > 0 && !/\s/.test(kept[end - 1] ?? "")) end -= 1;
  while (end > 0 && /[\s,;:]/.test(kept[end - 1] ?? "")) end -= 1;
  return end < length / 2 ? kept : `${kept.slice(0, end)}…`;
}

/** With a stop at its end, unless it ends like a sentence already. */
export function ended(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

/**
 * Our own mrkdwn as plain words, for the command line and for files: `<!date^…|02:41:07 UTC>` becomes its fallback,
 * `<https://…|label>` becomes `label (https://…)`, entities become characters.
 */
export function plainWords(mrkdwn: string): string {
  return mrkdwn
    .replace(/<!date\^[^<|>]*\|([^<>]*)>(?: \([0-9:]+ UTC\))?/g, "$1")
    .replace(/<(https?:[^<|>]+)\|([^<>]*)>/g, "$2 ($1)")
    .replace(/<([@#])([A-Z0-9]+)(?:\|([^<>]*))?>/g, (_, sign, id, label) => `${sign}${label || id}`)
    .replace(/<(https?:[^<>]+)>/g, "$1")
    .replace(/(^|[\s(])\*([^*\n]+)\*(?=$|[\s.,:;)!?])/gm, "$1$2")
    .replace(/(^|[\s(])`([^`\n]+)`/gm, "$1$2")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const LOOKALIKES: Readonly<Record<string, string>> = { "*": "∗", "~": "∼", "`": "ˋ", _: "ˍ" };

/** A part of a sentence keeps the blank that separates it from the next part. */
function edges(part: string): string {
  return `${/^\s/.test(part) ? " " : ""}${safe(part)}${/\S\s$/.test(part) ? " " : ""}`;
}

function tame(words: string): string {
  return visible(words)
    .replace(/[*~`]/g, (mark) => LOOKALIKES[mark] as string)
    .replace(/(?<![\p{L}\p{N}_])_|_(?![\p{L}\p{N}_])/gu, LOOKALIKES._ as string)
    .replace(/@(?=(?:channel|here|everyone|group)\b)/gi, "@\u2060")
    .replace(/:(?=\/\/)/g, ":\u2060");
}

const PRINTABLE_ASCII = /^[ -~]*$/;

/** One line, with nothing in it that is not seen: control, direction, joining, tag and private-use characters go. */
function visible(words: string): string {
  // Nearly all words are: nothing in them is composed, hidden or another letter's twin.
  if (PRINTABLE_ASCII.test(words)) return words.replace(/ {2,}/g, " ").trim();
  return words
    .normalize("NFC")
    .replace(/[\s\u0085\u2028\u2029]+/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u115f\u1160\u3164\uffa0]|\p{Variation_Selector}/gu, "")
    .replace(/[\p{L}\p{M}\p{N}]+/gu, marked)
    .trim();
}

/**
 * Letters of Cyrillic, Greek and Armenian that can't be told from Latin ones, and full-width Latin.
 *
 * @see https://www.unicode.org/reports/tr39/#Confusable_Detection
 */
const TWINS = /[аеорсухіјѕһԁԛԝѵӏАВЕЅІЈКМНОРСТХҮԌοναικρτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհցքＡ-Ｚａ-ｚ]/gu;

/** Within a word of Latin letters such a letter is no accident: `wоrker-3` becomes `wо⟨U+043E⟩rker-3`, and stays so. */
function marked(word: string, at: number, words: string): string {
  if (!/[A-Za-z]/.test(word)) return word;
  const isDone = words.startsWith("⟨U+", at + word.length);
  return word.replace(TWINS, (letter, where: number) =>
    isDone && where === word.length - 1 ? letter : `${letter}⟨U+${codeOf(letter)}⟩`,
  );
}

function codeOf(letter: string): string {
  return letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
}

/** What stands for someone who was erased (`lifeboat erase`). */
export const ERASED = "(erased person)";

/** The opaque id events hold for a person, where nothing says any more who it was. */
export function isErased(who: string): boolean {
  return /^person-[0-9a-z]{12}$/.test(who);
}
