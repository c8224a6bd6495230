/** What a line comes to: the part of a request that was typed. */
export interface Typed {
  /** In lower case; empty for `/dr` alone. */
  readonly verb: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | true>>;
  /** Everything after the verb as typed, without the options. */
  readonly rest: string;
}

/** Which `--options` of a verb there are: true: it takes a value. Free text keeps what only looks like an option. */
export interface Grammar {
  readonly options: ReadonlyMap<string, boolean>;
  readonly freeText: boolean;
}

/**
 * Reads a line: words at blanks, "quoted words" together (also with the curly quotes phones type), `--option value`,
 * `--option=value` and `--flag`; an em dash before a word is a phone's `--`. A quote that is never closed is an apostrophe.
 * Slack's escapes: `<@U1|ana>` stays the reference `<@U1>`, links become their address, entities become characters.
 */
export function parse(line: string, grammarOf: (verb: string) => Grammar): Typed {
  const tokens = tokenize(line);
  const [first, ...rest] = tokens;
  if (first === undefined) return { verb: "", words: [], options: {}, rest: "" };
  if (optionIn(first)) return sort("", tokens, grammarOf(""));
  const verb = first.text.toLowerCase();
  return sort(verb, rest, grammarOf(verb));
}

/** The same for words a shell has split already. */
export function parseSplit(args: readonly string[], grammarOf: (verb: string) => Grammar): Typed {
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

function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  let rest = line.replace(/\p{Cc}+/gu, " ").trimStart();
  while (rest !== "") {
    const token = quotedAt(rest) ?? wordAt(rest);
    tokens.push({ ...token, text: asWord(token.text), raw: readable(token.raw) });
    rest = rest.slice(token.raw.length).trimStart();
  }
  return tokens;
}

/** `"orders database"`, `--title="orders database"` or `label="orders database"`. */
function quotedAt(rest: string): Token | null {
  const lead = /^(?:(?:--|—|–)[\p{L}-]+|[\p{L}][\p{L}\p{N}]*)=/u.exec(rest)?.[0] ?? "";
  const open = [...rest.slice(lead.length)][0] ?? "";
  const close = QUOTES[open];
  if (close === undefined) return null;
  const body = rest.slice(lead.length + open.length);
  const end = [...body].findIndex((letter, at, all) => close.includes(letter) && /^\s*$/.test(all[at + 1] ?? " "));
  if (end === -1) return null;
  const inside = [...body].slice(0, end).join("");
  const raw = rest.slice(0, lead.length + open.length + inside.length + 1);
  return { text: `${lead}${inside}`, raw, quoted: lead === "" };
}

/** A reference with a blank in its label (`<@U1|Ana Lee>`) is one word. */
function wordAt(rest: string): Token {
  const raw = /^(?:<[^<>\n]*>|\S)+/.exec(rest)?.[0] ?? rest;
  return { text: raw, raw, quoted: false };
}

function asWord(text: string): string {
  return entities(
    text.replace(/<([@#])([A-Z0-9]+)(?:\|[^>]*)?>/g, "<$1$2>").replace(LINK, (_, link, label) => label ?? link),
  );
}

/** References and links in free text as people read them. */
function readable(raw: string): string {
  return entities(
    raw
      .replace(/<([@#])([A-Z0-9]+)(?:\|([^>]*))?>/g, (_, sign, id, label) => `${sign}${label || id}`)
      .replace(/<!(?:subteam\^)?([^>|]+)(?:\|([^>]*))?>/g, (_, id, label) => label ?? `@${id}`)
      .replace(LINK, (_, link, label) => (label === undefined || link.endsWith(label) ? link : `${label} (${link})`)),
  );
}

const LINK = /<((?:https?|mailto):[^|>]+)(?:\|([^>]*))?>/g;

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
    const takesValue = option && grammar.options.get(option.name);
    if (option === null || (takesValue === undefined && grammar.freeText && option.name !== "help")) {
      words.push(token.text);
      prose.push(token.raw);
      continue;
    }
    const next = tokens[n + 1];
    const follows = takesValue && option.value === null && next !== undefined && !optionIn(next);
    options[option.name] = option.value ?? (follows ? next.text : true);
    if (follows) n++;
  }
  return { verb, words, options: { ...options }, rest: prose.join(" ") };
}

function optionIn({ text, quoted }: Token): { name: string; value: string | null } | null {
  const found = quoted ? null : /^(?:--|—|–)([\p{L}][\p{L}-]*)(?:=([\s\S]*))?$/u.exec(text);
  return found ? { name: (found[1] as string).toLowerCase(), value: found[2] ?? null } : null;
}
