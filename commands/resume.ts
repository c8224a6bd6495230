import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say } from "../src/command/reply/say.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { runResumed } from "../templates/messages/run/answers.ts";

export const resume: Command = {
  verb: "resume",
  aliases: ["run.resume", "continue"],
  summary: "Resume a paused run.",
  usage: "/dr resume [<run>] [--incident <id>]",
  examples: ["/dr resume"],
  async handle(context, request) {
    const { state, run } = await findRun(context, request);
    const acted = await act(context, request, state.id, { type: "resume", run: run.id });
    if (acted.kind === "refused") return no(acted.problem);
    return say(runResumed(run));
  },
};
