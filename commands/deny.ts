import { safe } from "../templates/messages/escape.ts";
import { denyForm } from "../templates/messages/forms.ts";
import { act } from "./act.ts";
import { openAsks } from "./asks.ts";
import type { Command } from "./command.ts";
import { findRun } from "./runs.ts";
import { no, runName, say } from "./say.ts";

export const deny: Command = {
  verb: "deny",
  aliases: ["gate.deny", "reject"],
  summary: "Deny what a run asks for: it stops there until somebody asks again or aborts.",
  usage: "/dr deny [<run>] [<reason…>] [--incident <id>]",
  examples: ["/dr deny Too much would be lost, wait for the provider"],
  where: "incident",
  async handle(house, request) {
    const { state, run, rest, words } = await findRun(house, request);
    const ask = rest ?? openAsks(state, run)[0]?.gate.ask ?? null;
    if (ask === null) return say(`${runName(run)} asks for no approval now.`);
    if (rest !== null && request.form === null && request.canAskForm) {
      const says = `${run.plan.title}: ${run.plan.target}. The run stops here until somebody asks again or aborts it.`;
      return { kind: "form", form: denyForm(`${run.id}/${ask}`, says) };
    }
    const reason = (request.form?.reason ?? words.join(" ")).trim() || null;
    const acted = await act(house, request, state.id, { type: "deny", run: run.id, ask, reason });
    if (acted.kind === "refused") return no(acted.problem);
    return say(`You denied ${runName(run)}${reason ? `: ${safe(reason)}` : "."} It goes no further.`);
  },
};
