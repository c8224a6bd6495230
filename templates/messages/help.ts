import { context, header, lines } from "./blocks.ts";
import { safe } from "./escape.ts";
import type { Message } from "./message.ts";

/** What help says of a command: the command file itself, read. */
export interface Explained {
  readonly verb: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly usage: string;
  readonly examples: readonly string[];
}

export function helpList(commands: readonly Explained[]): Message {
  const said = commands.map(({ usage, summary }) => `${code(usage)}\n${safe(summary)}`);
  return {
    text: [
      "Commands:",
      ...commands.map(({ usage, summary }) => `${safe(usage)} — ${safe(summary)}`),
      "More about one: `/dr help <command>`.".replace("<command>", "&lt;command&gt;"),
    ].join("\n"),
    blocks: [
      header("Commands"),
      ...lines(said),
      context("More about one: `/dr help failover` or `/dr failover --help`. What fits now: `/dr`."),
    ],
  };
}

export function helpOf({ verb, aliases, summary, usage, examples }: Explained): Message {
  const also = aliases.length > 0 ? [`Also understood: ${aliases.map((alias) => `/dr ${alias}`).join(", ")}`] : [];
  const forms = [safe(summary), code(usage), ...(examples.length > 0 ? ["For example:", ...examples.map(code)] : [])];
  return {
    text: [
      `${safe(usage)}: ${safe(summary)}`,
      ...examples.map((example) => `For example: ${safe(example)}`),
      ...also,
    ].join("\n"),
    blocks: [header(`/dr ${verb}`), ...lines([...forms, ...also])],
  };
}

/** In a code span only the entities count: marks stay as they are. */
export function code(words: string): string {
  return `\`${words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")}\``;
}
