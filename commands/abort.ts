import type { Command } from "../src/command/command.ts";
import { act } from "../src/command/execute/act.ts";
import { no, say } from "../src/command/reply/say.ts";
import { findRun } from "../src/command/resolve/run.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";
import { abortSays, runAborted } from "../templates/messages/run/answers.ts";
import { waysBack } from "../templates/messages/run/undo.ts";

export const abort: Command = {
  verb: "abort",
  aliases: ["run.abort", "cancel"],
  summary: "End a run early, with a reason. Changes made so far stay and are listed.",
  usage: "/dr abort [<run>] <reason…> [--incident <id>]",
  examples: ["/dr abort The primary is back and healthy"],
  async handle(context, request) {
    const { state, run, words } = await findRun(context, request);
    const reason = request.form?.reason ?? words.join(" ");
    if (reason.trim() === "" && request.form === null && request.canAskForm) {
      return { kind: "form", form: reasonForm("run.abort", "Abort the run", "Abort run", run.id, abortSays(run)) };
    }
    const acted = await act(context, request, state.id, { type: "abort", run: run.id, reason });
    if (acted.kind === "refused") return no(acted.problem);
    const after = acted.state.runs.get(run.id) ?? run;
    return say(runAborted(after, reason, waysBack(acted.state, after)));
  },
};
