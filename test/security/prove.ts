import { mayBeSlow, type Pattern, patternsInUse } from "./patterns.ts";

/** Prints, as JSON, which patterns are not proved to be linear. A process of its own: the checker is slow inside Jest's. */

interface Verdict {
  readonly status: "safe" | "vulnerable" | "unknown";
  readonly complexity?: { readonly summary: string };
}
// Named indirectly: the one who only checks types has no need of it.
const checker = "recheck";
const { check } = (await import(checker)) as {
  check: (source: string, flags: string, options: object) => Promise<Verdict>;
};

/** Read from files of the installation itself at its start, never from what someone sends. */
const OF_OUR_OWN_FILES: Readonly<Record<string, string>> = {
  "src/catalog/input.ts": "reads the pattern of an input in a runbook, of 300 characters at most",
  "src/catalog/parse.ts": "looks for lines that are nested too deeply in a file of the catalogue, in bounded steps",
  "src/comms/read.ts": "reads a comms template of the installation",
};

/** What froze the bot once: a proof that lets it pass is none. */
const KNOWN_BAD: Pattern = { source: "<([@#])([A-Z0-9]+)(?:\\|[^>]*)?>", flags: "", file: "known bad" };

/**
 * Sticky patterns are tried at one place only. What is looked at ahead or behind is taken for a part of the match: that
 * is as much work, and lets the checker decide by the automaton rather than by trying.
 */
function asChecked({ source, flags }: Pattern): readonly [string, string] {
  const flat = source.replace(/\(\?<?=/g, "(?:").replace(/\(\?<?!([^()]*)\)/g, "(?:$1)?");
  return [flags.includes("y") ? `^(?:${flat})` : flat, flags.replace(/[gyd]/g, "")];
}

const slow: string[] = [];
for (const pattern of [KNOWN_BAD, ...patternsInUse().filter(mayBeSlow)]) {
  if (pattern.file in OF_OUR_OWN_FILES) continue;
  const { status, complexity } = await check(...asChecked(pattern), { checker: "automaton", timeout: 60_000 });
  if (status !== "safe")
    slow.push(`${pattern.file}: /${pattern.source}/${pattern.flags} is ${complexity?.summary ?? status}`);
}
process.stdout.write(JSON.stringify(slow));
process.exit(0);
