import { type Changes, openChanges } from "./changes.ts";
import type { Deal, Given, Target } from "./target.ts";

export interface Held {
  readonly says: string;
  /** Null: it was not tried. It changes something, and nothing may be changed, or it was ended before. */
  readonly ok: boolean | null;
}

export interface Holding {
  /** Nothing is changed, whatever is named. */
  readonly readOnly?: boolean;
  /** Ctrl-C, or the time limit: what is in progress ends, what is changed is put back, and nothing else is begun. */
  readonly signal?: AbortSignal;
  readonly changes?: Changes;
  /** Asked once, when it was said what will be changed and before it is. */
  confirm?(): Promise<boolean>;
}

/** Where the contract is held, by the environment alone. Without the first setting it is the stand-in. */
export function isGiven(target: Target, environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment[target.settings[0]?.name ?? ""] ?? "") !== "";
}

const ENDING_MS = 5_000;

/**
 * Holds every deal in order, and says beforehand what it will do. One that does not hold does not end the others, unless
 * something could not be put back. What a deal leaves changed, by a failure or by Ctrl-C, is put back or told.
 */
export async function hold(
  target: Target,
  environment: Readonly<Record<string, string | undefined>>,
  named: string | null,
  print: (line: string) => void,
  holding: Holding = {},
): Promise<readonly Held[]> {
  const { readOnly = false, signal = new AbortController().signal, changes = openChanges() } = holding;
  const mayChange = readOnly ? null : named;
  const deals = target.deals(givenFrom(target, environment, mayChange, signal));
  print(whatWillChange(target, mayChange, readOnly));
  for (const { changes: does } of deals) if (does !== undefined && mayChange !== null) print(`  will do: ${does}`);
  if (mayChange !== null && holding.confirm && !(await holding.confirm())) throw new Error("Nothing was changed.");
  const held: Held[] = [];
  for (const deal of deals) {
    const why = notTried(target, deal, mayChange, signal, changes);
    if (why !== null) {
      print(`- ${deal.says} (not held: ${why})`);
      held.push({ says: deal.says, ok: null });
      continue;
    }
    held.push({ says: deal.says, ok: await holdOne(deal, changes, signal, print) });
  }
  return held;
}

function whatWillChange(target: Target, mayChange: string | null, readOnly: boolean): string {
  if (readOnly) return "Nothing will be changed: --read-only.";
  if (mayChange === null) return "Nothing will be changed: --may-change names nothing.";
  return `What will be changed, and nothing else: ${mayChange}. It ${target.mayChange.does}.`;
}

function notTried(
  { mayChange: { is, does } }: Target,
  deal: Deal,
  mayChange: string | null,
  signal: AbortSignal,
  changes: Changes,
): string | null {
  if (signal.aborted) return "it was ended before";
  if (deal.changes !== undefined && mayChange === null) return `name ${is}; it ${does}`;
  return changes.left().length > 0 ? "something is left changed" : null;
}

async function holdOne(
  deal: Deal,
  changes: Changes,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<boolean> {
  const working = deal.hold(changes);
  try {
    print(`✓ ${deal.says}\n    ${await orEnded(working, signal)}`);
    return await changes.putBack(print);
  } catch (error) {
    print(`✗ ${deal.says}\n    ${error instanceof Error ? error.message : String(error)}`);
    // What is in progress is ended by the signal as well: nothing is put back under its hands.
    if (signal.aborted) await Promise.race([working.catch(() => {}), new Promise((end) => setTimeout(end, ENDING_MS))]);
    await changes.putBack(print);
    return false;
  }
}

async function orEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let end = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = () => reject(new Error(`Ended: ${String(signal.reason?.message ?? signal.reason)}`));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** What each suite proves, without any of the settings: for `--list`. Names of settings stand where their values would. */
export function dealsOf(target: Target): readonly Pick<Deal, "says" | "changes">[] {
  const address = (name: string) => `https://${name}.invalid`;
  const shown = (text: string) =>
    target.settings.reduce(
      (said, { name }) => said.replace(new RegExp(`(https?://)?${name}\\.invalid(:\\d+)?`, "gi"), name),
      text,
    );
  const given: Given = {
    setting: address,
    optional: (name) =>
      target.settings.find((one) => one.name === name)?.otherwise === undefined ? address(name) : "",
    environment: {},
    practice: false,
    mayChange: target.mayChange.is,
    signal: new AbortController().signal,
  };
  return target
    .deals(given)
    .map(({ says, changes }) => ({ says: shown(says), ...(changes === undefined ? {} : { changes: shown(changes) }) }));
}

function givenFrom(
  target: Target,
  environment: Readonly<Record<string, string | undefined>>,
  mayChange: string | null,
  signal: AbortSignal,
): Given {
  const of = (name: string) => target.settings.find((setting) => setting.name === name);
  const optional = (name: string) => environment[name] || of(name)?.otherwise || "";
  const missing = target.settings.filter(({ name, otherwise }) => otherwise === undefined && optional(name) === "");
  if (missing.length > 0) {
    const lines = missing.map(({ name, says }) => `  ${name}: ${says}`);
    throw new Error(`To hold it against ${target.title}, give\n${lines.join("\n")}`);
  }
  return {
    optional,
    setting(name) {
      const value = optional(name);
      if (value === "") throw new Error(`${name} is not given: ${of(name)?.says ?? ""}`);
      return value;
    },
    environment: Object.fromEntries(target.settings.map(({ name }) => [name, optional(name)])),
    practice: environment.LIVE_PRACTICE === "1",
    mayChange,
    signal,
  };
}
