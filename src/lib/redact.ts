/** What stands where a secret stood. */
export const REDACTED = "[secret]";

/** Takes secrets out of a text, however they are written there. */
export type Redact = (text: string) => string;

/** Of fewer characters nothing is left to hide, and much else would be taken for it. */
const SHORTEST = 4;
/** A part of a secret of many lines (a key, a kubeconfig) counts from this length on. */
const SHORTEST_PART = 16;

/** One way of writing a secret. `key` is what is looked for in a text without line breaks. */
interface Form {
  readonly key: string;
  readonly anyCase: boolean;
}

/**
 * Finds secrets as they are and as programs write them: escaped for JSON, encoded for an address, in hexadecimal, in
 * base64 (of both alphabets, wherever in a longer text the secret begins), and each of these broken into lines.
 */
export function redactor(secrets: readonly string[]): Redact {
  const forms = [...new Map(secrets.flatMap(formsOf).map((form) => [form.key, form])).values()].sort(
    (a, b) => b.key.length - a.key.length,
  );
  if (forms.length === 0) return (text) => text;
  return (text) => {
    const plain = joined(text);
    const lower = plain.toLowerCase();
    const found = forms.filter(({ key, anyCase }) => (anyCase ? lower : plain).includes(key));
    return found.reduce((left, form) => left.replace(patternOf(form), REDACTED), text);
  };
}

/**
 * The same for every text in a value, keys as well. What is plain JSON stays so. Looked at as one text first: nearly everything holds no secret,
 * and is given back as it is.
 */
export function redactAll<T>(value: T, redact: Redact): T {
  const text = JSON.stringify(value) ?? "";
  return redact(text) === text ? value : redactEach(value, redact);
}

function redactEach<T>(value: T, redact: Redact): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map((one) => redactEach(one, redact)) as T;
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [redact(key), redactEach(one, redact)])) as T;
}

function formsOf(secret: string): readonly Form[] {
  const parts = /\s/.test(secret) ? secret.split(/\s+/).filter((part) => part.length >= SHORTEST_PART) : [];
  return [secret, ...parts].filter((one) => one.trim().length >= SHORTEST).flatMap(written);
}

function written(secret: string): readonly Form[] {
  // What is encoded may be a text that holds it escaped: an environment as JSON, in base64.
  const held = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)].map((text) =>
    Buffer.from(text),
  );
  const exact = [secret, ...held.flatMap(base64Of)];
  const encoded = [encodeURIComponent(secret), encodeURI(secret), percent(secret), inForm(secret)];
  const escaped = secret.replace(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const anyCase = [
    ...held.map((bytes) => bytes.toString("hex")),
    ...[...encoded, escaped].filter((text) => text !== secret),
  ];
  return [
    ...exact.map((text) => ({ key: joined(text), anyCase: false })),
    ...anyCase.map((text) => ({ key: joined(text).toLowerCase(), anyCase: true })),
  ].filter(({ key }) => key.length >= SHORTEST);
}

/** As RFC 3986 has it: all but letters, digits and -._~ */
function percent(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
}

function inForm(text: string): string {
  return new URLSearchParams({ a: text }).toString().slice(2);
}

/** What stays the same in base64 whatever stands before and after it, for each of the three places it can begin at. */
function base64Of(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const core = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return core.length <= SHORTEST ? [] : [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/**
 * Without what breaks it into lines, also where that is escaped, without colons between bytes, and without the backslashes
 * that JSON inside of JSON multiplies.
 */
function joined(text: string): string {
  return text.replace(/\s|\\[nrt]|:|\\/g, "");
}

function patternOf({ key, anyCase }: Form): RegExp {
  const characters = [...key].map((one) => one.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  return new RegExp(characters.join("(?:\\s|\\\\[nrt]|:|\\\\){0,8}"), anyCase ? "gi" : "g");
}

/** The secrets a process has read so far. */
export interface SecretBook {
  note(value: string): void;
  /** What is written down or logged goes through this. A secret that is a word or a short number is not looked for: it would be found everywhere. */
  readonly redact: Redact;
}

export function createSecretBook(): SecretBook {
  const known = new Set<string>();
  let current: Redact = (text) => text;
  return {
    note(value) {
      if (known.has(value) || isWord(value)) return;
      known.add(value);
      current = redactor([...known]);
    },
    redact: (text) => current(text),
  };
}

/**
 * `postgres`, `orders-app`, `Shop-Reader`, `12345678`: taking it out of a text would tell more than it hides. Capitals within a word are no
 * word's: of random secrets, one in fifteen begins with sixteen letters.
 */
function isWord(value: string): boolean {
  return value.length < 8 || (value.length <= WORD_LONGEST && (WORDS.test(value) || /^\d+$/.test(value)));
}

const WORD_LONGEST = 32;
const WORDS = /^(?:[A-Z]?[a-z]+|[A-Z]+)(?:[-_](?:[A-Z]?[a-z]+|[A-Z]+))*$/;
