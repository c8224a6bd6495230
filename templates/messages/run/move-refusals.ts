import type { MoveRefusal } from "../../../src/incident/refusal/move.ts";
import type { WordsOf } from "../kit/refusal-words.ts";
import { clock } from "../kit/when.ts";

/** What is refused of a second move, and of a move on probation. */
export const MOVE_REFUSALS: WordsOf<MoveRefusal> = {
  "moved-recently": ({ run, moved, minutes, until }) => ({
    where: run,
    what: `${moved.title} moved from ${moved.from} to ${moved.to} at ${clock(moved.at)}, ${minutes === 0 ? "less than 1" : minutes} min ago`,
    allowed: `Until ${clock(until)} another move needs a reason`,
    stateNow: "Nothing was requested",
    next: "Type it again with `--again <reason>`",
  }),
  "on-probation": ({ run, until, healthy }) => ({
    where: run,
    what: `The new side is watched until ${clock(until)}${healthy === null ? "" : healthy ? ": healthy so far" : ": not healthy"}`,
    allowed: "Commit or fail back first, then resolve",
    next: "`/dr commit` once it's over, `/dr failback` to go back, or `/dr resolve --anyway <what ended it>`",
  }),
  "nothing-to-commit": () => ({ what: "This run has no probation window", next: "`/dr status` lists the runs" }),
  committed: ({ run }) => ({ where: run, what: "It is already committed" }),
  "moved-again": ({ run }) => ({ where: run, what: "A later move replaced this one. Nothing to commit" }),
  "not-proven": ({ run, runId, until, says }) => ({
    where: run,
    what:
      until !== null
        ? `The new side is watched until ${clock(until)}`
        : says.length === 0
          ? "The new side hasn't been checked yet"
          : `The new side isn't healthy: ${says.join("; ")}`,
    allowed: "Committing now needs a reason",
    next: `\`/dr commit ${runId} <why>\`${until === null && says.length > 0 ? `, or fail back: \`/dr failback ${runId}\`` : ""}`,
  }),
};
