/** What a line comes to: the part of a request that was typed. */
export interface Typed {
  /** In lower case; empty for `/dr` alone. */
  readonly verb: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | true>>;
  /** Everything after the verb as typed, without the options. */
  readonly rest: string;
  /** The line was longer than `LINE_MAX`: nothing of it was read. */
  readonly tooLong?: true;
}

/** Characters of a line that is read. Slack takes 40,000 in a message; no one types a command of this length. */
export const LINE_MAX = 3000;

const TOO_LONG: Typed = { verb: "", words: [], options: {}, rest: "", tooLong: true };

/** What follows an option: nothing, one word, or words up to the next option, person or `<input>=<value>`. Quoted words are one. */
export type OptionValue = "none" | "word" | "words";

/** Which `--options` of a verb there are. Free text keeps what only looks like an option. */
export interface Grammar {
  readonly options: ReadonlyMap<string, OptionValue>;
  readonly freeText: boolean;
}

/**
 * Reads a line: words at blanks, "quoted words" together (also with the curly quotes phones type), `--option value`,
 * `--option=value` and `--flag`; an em dash before a word is a phone's `--`. A quote that is never closed is an apostrophe.
 * Slack's escapes: `<@U1|ana>` stays the reference `<@U1>`, links become their address, entities become characters.
 * A line longer than `LINE_MAX` is not looked at; the time for any other is linear in its length.
 */
export function parse(line: string, grammarOf: (verb: string) => Grammar): Typed {
  if (line.length > LINE_MAX) return TOO_LONG;
  const tokens = tokenize(line);
  const [first, ...rest] = tokens;
  if (first === undefined) return { verb: "", words: [], options: {}, rest: "" };
  if (optionIn(first)) return sort("", tokens, grammarOf(""));
  const verb = first.text.toLowerCase();
  return sort(verb, rest, grammarOf(verb));
}

/** The same for words a shell has split already. */
export function parseSplit(args: readonly string[], grammarOf: (verb: string) => Grammar): Typed {
  if (args.reduce((sum, { length }) => sum + length + 1, 0) > LINE_MAX) return TOO_LONG;
  const [first, ...rest] = args.map((text) => ({ text, raw: text, quoted: /\s/.test(text) }));
  if (first === undefined) return { verb: "", words: [], options: {}, rest: "" };
  if (optionIn(first)) return sort("", [first, ...rest], grammarOf(""));
  const verb = first.text.toLowerCase();
  return sort(verb, rest, grammarOf(verb));
}

/** The Slack user a word refers to: `<@U123>`. */
export function userIn(word: string): string | null {
  return /^<@([A-Z0-9]+)>$/.exec(word)?.[1] ?? null;
}

/** The Slack channel a word refers to: `<#C123>`. */
export function channelIn(word: string): string | null {
  return /^<#([A-Z0-9]+)>$/.exec(word)?.[1] ?? null;
}

interface Token {
  readonly text: string;
  /** As typed, for free text. */
  readonly raw: string;
  readonly quoted: boolean;
}

const QUOTES: Readonly<Record<string, string>> = { '"': '"“”„', "“": '"”“', "„": "“”", "'": "'", "‘": "’'", "«": "»" };

const LEAD = /(?:(?:--|—|–)[\p{L}-]+|[\p{L}][\p{L}\p{N}]*)=/uy;
const BLANK = /\s/;
const BLANKS = /\s*/y;
/** A reference with a blank in its label (`<@U1|Ana Lee>`) is one word. */
const WORD = /(?:<[^<>\n]*>|\S)+/y;

/** Every character is looked at a bounded number of times: what has no closing quote is remembered. */
function tokenize(typed: string): Token[] {
  const line = typed.replace(/\p{Cc}/gu, " ");
  const unclosed = new Set<string>();
  const tokens: Token[] = [];
  for (let at = skip(line, 0); at < line.length; ) {
    const token = quotedAt(line, at, unclosed) ?? wordAt(line, at);
    tokens.push({ ...token, text: asWord(token.text), raw: readable(token.raw) });
    at = skip(line, at + token.raw.length);
  }
  return tokens;
}

function skip(line: string, at: number): number {
  return at + matchAt(BLANKS, line, at).length;
}

function matchAt(sticky: RegExp, line: string, at: number): string {
  sticky.lastIndex = at;
  return sticky.exec(line)?.[0] ?? "";
}

/** `"orders database"`, `--title="orders database"` or `label="orders database"`. `unclosed`: quotes nothing closes any more. */
function quotedAt(line: string, at: number, unclosed: Set<string>): Token | null {
  const lead = matchAt(LEAD, line, at);
  const open = at + lead.length;
  const close = QUOTES[line[open] ?? ""];
  if (close === undefined || unclosed.has(close)) return null;
  const end = closingAt(line, open + 1, close);
  if (end === null) {
    unclosed.add(close);
    return null;
  }
  return {
    text: `${lead}${line.slice(open + 1, end)}`,
    raw: line.slice(at, end + 1),
    quoted: lead === "",
  };
}

/** Where one of these quotes ends a word, from `from` on. */
function closingAt(line: string, from: number, close: string): number | null {
  for (let at = from; at < line.length; at++)
    if (close.includes(line[at] as string) && (at + 1 === line.length || BLANK.test(line[at + 1] as string))) return at;
  return null;
}

function wordAt(line: string, at: number): Token {
  const raw = matchAt(WORD, line, at);
  return { text: raw, raw, quoted: false };
}

function asWord(text: string): string {
  return entities(
    text.replace(/<([@#])([A-Z0-9]+)(?:\|[^<>]*)?>/g, "<$1$2>").replace(LINK, (_, link, label) => label ?? link),
  );
}

/** References and links in free text as people read them. */
function readable(raw: string): string {
  return entities(
    raw
      .replace(/<([@#])([A-Z0-9]+)(?:\|([^<>]*))?>/g, (_, sign, id, label) => `${sign}${label || id}`)
      .replace(/<!(?:subteam\^)?([^<>|]+)(?:\|([^<>]*))?>/g, (_, id, label) => label ?? `@${id}`)
      .replace(LINK, (_, link, label) => (label === undefined || link.endsWith(label) ? link : `${label} (${link})`)),
  );
}

const LINK = /<((?:https?|mailto):[^<|>]+)(?:\|([^<>]*))?>/g;

function entities(text: string): string {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function sort(verb: string, tokens: readonly Token[], grammar: Grammar): Typed {
  const words: string[] = [];
  const prose: string[] = [];
  const options: Record<string, string | true> = Object.create(null);
  for (let n = 0; n < tokens.length; n++) {
    const token = tokens[n] as Token;
    const option = optionIn(token);
    const takes = option && grammar.options.get(option.name);
    if (option === null || (takes === undefined && grammar.freeText && option.name !== "help")) {
      words.push(token.text);
      prose.push(token.raw);
      continue;
    }
    const value = option.value === null ? valueAfter(tokens, n + 1, takes ?? "none") : [];
    options[option.name] = option.value ?? (value.length === 0 ? true : valueText(value));
    n += value.length;
  }
  return { verb, words, options: { ...options }, rest: prose.join(" ") };
}

/** The words behind an option that are its value. */
function valueAfter(tokens: readonly Token[], from: number, takes: OptionValue): readonly Token[] {
  const [first] = tokens.slice(from, from + 1);
  if (takes === "none" || first === undefined || optionIn(first)) return [];
  if (takes === "word" || first.quoted || isOfTheCommand(first)) return [first];
  const ends = tokens.findIndex((token, at) => at > from && (optionIn(token) !== null || isOfTheCommand(token)));
  return tokens.slice(from, ends === -1 ? tokens.length : ends);
}

function valueText(value: readonly Token[]): string {
  const [first] = value;
  return value.length === 1 && first !== undefined ? first.text : value.map(({ raw }) => raw).join(" ");
}

/** A person, a channel or the value of an input: never a word of a reason. */
function isOfTheCommand({ text, quoted }: Token): boolean {
  return !quoted && /^(?:<[@#][A-Z0-9]+>$|[\p{L}][\p{L}\p{N}_]*=)/u.test(text);
}

function optionIn({ text, quoted }: Token): { name: string; value: string | null } | null {
  const found = quoted ? null : /^(?:--|—|–)([\p{L}][\p{L}-]*)(?:=([\s\S]*))?$/u.exec(text);
  return found ? { name: (found[1] as string).toLowerCase(), value: found[2] ?? null } : null;
}
