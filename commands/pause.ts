import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say } from "../src/command/reply/say.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { runPaused } from "../templates/messages/run/answers.ts";

export const pause: Command = {
  verb: "pause",
  aliases: ["run.pause"],
  summary: "Pause a run. Steps already running finish; anyone on the roster may.",
  usage: "/dr pause [<run>] [<reason…>] [--incident <id>]",
  examples: ["/dr pause", "/dr pause Waiting for the provider"],
  async handle(context, request) {
    const { state, run, words } = await findRun(context, request);
    const reason = words.length > 0 ? words.join(" ") : null;
    const acted = await act(context, request, state.id, { type: "pause", run: run.id, reason });
    if (acted.kind === "refused") return no(acted.problem);
    return say(runPaused(run));
  },
};
