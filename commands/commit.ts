import type { Command } from "../src/command/command.ts";
import { act, wouldRefuse } from "../src/command/execute/act.ts";
import { no, say } from "../src/command/reply/say.ts";
import { movedRun, movesSince } from "../src/command/resolve/moved-run.ts";
import { isOnProbation } from "../src/incident/probation.ts";
import { reasonForm } from "../templates/messages/kit/form.ts";
import { commitSays, runCommitted } from "../templates/messages/run/answers.ts";
import { standbyAfter } from "./reprotect.ts";

export const commit: Command = {
  verb: "commit",
  aliases: ["run.commit"],
  summary: "Commit to the new side after a failover. Before its probation is over, or unhealthy, it needs a reason.",
  usage: "/dr commit [<run>] [<why…>] [--incident <id>]",
  examples: ["/dr commit", "/dr commit run-7k2m9xqz Frankfurt stays down for days"],
  async handle(context, request) {
    const { state, run, words } = await movedRun(context, request);
    const reason = (request.form?.reason ?? words.join(" ")).trim() || null;
    const moved = await movesSince(context, run);
    const command = { type: "commit", run: run.id, reason, moved } as const;
    if (reason === null && request.form === null && request.canAskForm && isOnProbation(run))
      if (await wouldRefuse(context, request, state, command))
        return { kind: "form", form: reasonForm("run.commit", "Commit: why now?", "Commit", run.id, commitSays(run)) };
    const acted = await act(context, request, state.id, command);
    if (acted.kind === "refused") return no(acted.problem);
    const { says, buttons } = standbyAfter(run);
    return say(runCommitted(run, says, buttons));
  },
};
