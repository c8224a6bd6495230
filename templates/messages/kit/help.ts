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

/** What people want to do, and the commands for it. Each command stands in one of them: a test says so. */
export const HELP: readonly (readonly [title: string, verbs: readonly string[]])[] = [
  ["Something is wrong", ["declare", "triage", "alerts", "status", "list"]],
  ["Recover", ["failover", "restore", "runbook", "unplanned", "undo"]],
  ["After a move", ["commit", "failback", "reprotect"]],
  ["Decide", ["approve", "deny", "ask", "answer", "escalate", "steps", "break-glass", "review"]],
  ["Steer a run", ["pause", "resume", "abort", "retry", "skip", "done", "replan", "details"]],
  ["Lead", ["role", "delegate", "severity", "invite", "note", "raise"]],
  ["Tell people", ["update", "resend", "snooze", "catchup", "evidence"]],
  ["Finish", ["resolve", "reopen", "close", "postmortem", "sign-off", "action", "timeline"]],
  ["Set up", ["enroll", "vouch", "calendar", "trends", "seats", "readiness", "reload", "help"]],
];

/** Ten lines: the groups, and how to learn more. */
export function helpList(commands: readonly Explained[]): Message {
  const known = new Set(commands.map(({ verb }) => verb));
  const groups = HELP.map(([title, verbs]) => [title, verbs.filter((verb) => known.has(verb)).join(" · ")] as const);
  const more = "More: `/dr help failover` explains one, `/dr` shows what fits now.";
  return {
    text: [...groups.map(([title, verbs]) => `${title}: ${verbs}`), more].join("\n"),
    blocks: [header("Commands"), ...lines(groups.map(([title, verbs]) => `*${title}:* ${verbs}`)), context(more)],
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
