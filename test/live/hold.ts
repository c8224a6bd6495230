import type { Given, Target } from "./target.ts";

export interface Held {
  readonly says: string;
  /** Null: it changes something, and nothing was said to be changed. */
  readonly ok: boolean | null;
}

/** Where the contract is held, by the environment alone. Without the first setting it is the stand-in. */
export function isGiven(target: Target, environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment[target.settings[0]?.name ?? ""] ?? "") !== "";
}

/** Holds every deal in order, and says beforehand what it will do. One that does not hold does not end the others. */
export async function hold(
  target: Target,
  environment: Readonly<Record<string, string | undefined>>,
  mayChange: string | null,
  print: (line: string) => void,
): Promise<readonly Held[]> {
  const given = givenFrom(target, environment, mayChange);
  const deals = target.deals(given);
  print(
    mayChange === null
      ? "Nothing will be changed: --may-change names nothing."
      : `What will be changed, and nothing else: ${mayChange}. It ${target.mayChange.does}.`,
  );
  for (const { changes } of deals) if (changes !== undefined && mayChange !== null) print(`  will do: ${changes}`);
  const held: Held[] = [];
  for (const deal of deals) {
    if (deal.changes !== undefined && mayChange === null) {
      print(`- ${deal.says} (not held: name ${target.mayChange.is}; it ${target.mayChange.does})`);
      held.push({ says: deal.says, ok: null });
      continue;
    }
    try {
      print(`✓ ${deal.says}\n    ${await deal.hold()}`);
      held.push({ says: deal.says, ok: true });
    } catch (error) {
      print(`✗ ${deal.says}\n    ${error instanceof Error ? error.message : String(error)}`);
      held.push({ says: deal.says, ok: false });
    }
  }
  return held;
}

function givenFrom(
  target: Target,
  environment: Readonly<Record<string, string | undefined>>,
  mayChange: string | null,
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
  };
}
