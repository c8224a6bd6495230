/** What a responder gives to a runbook by name: `node=worker-3`. */
export interface Assigned {
  readonly words: readonly string[];
  readonly given: ReadonlyMap<string, string>;
}

/**
 * Words as they were typed, those of the form `name=value` apart. Of moments people type the blanks too: `to=10m ago`,
 * `to=2026-11-21 02:13 UTC`. `names`: only these, where anything else is prose.
 */
export function assignedIn(words: readonly string[], names: readonly string[] | null = null): Assigned {
  const rest: string[] = [];
  const given = new Map<string, string>();
  let last: string | null = null;
  for (const word of words) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9]*)=([\s\S]*)$/.exec(word) ?? [];
    const known = names?.find((one) => one.toLowerCase() === name?.toLowerCase());
    if (name !== undefined && value !== undefined && (names === null || known !== undefined)) {
      last = known ?? name;
      given.set(last, value);
    } else if (last !== null && goesOn(given.get(last) ?? "", word)) given.set(last, `${given.get(last)} ${word}`);
    else {
      last = null;
      rest.push(word);
    }
  }
  return { words: rest, given };
}

const UNITS = /\d(s|sec|m|min|h|d)$/i;

function goesOn(value: string, word: string): boolean {
  if (/^(ago|utc|z)$/i.test(word)) return /\d/.test(value);
  if (/^[\d\s]*\d$/.test(value) || UNITS.test(value)) return UNITS.test(`1${word}`) || UNITS.test(word);
  return /^\d{4}-\d\d-\d\d$/.test(value) && /^\d\d?:\d\d/.test(word);
}
