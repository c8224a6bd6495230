import { safe } from "../templates/messages/escape.ts";
import { roleWords } from "../templates/messages/people.ts";
import { act } from "./act.ts";
import { openAsks } from "./asks.ts";
import type { Command } from "./command.ts";
import { systemOf } from "./incidents.ts";
import { findRun } from "./runs.ts";
import { no, runName, say } from "./say.ts";

export const escalate: Command = {
  verb: "escalate",
  aliases: ["gate.escalate"],
  summary: "Escalate an approval to the next level now.",
  usage: "/dr escalate [<run>] [<why…>] [--incident <id>]",
  examples: ["/dr escalate", "/dr escalate Sam is on a plane"],
  async handle(house, request) {
    const { state, run, rest, words } = await findRun(house, request);
    const ask = rest ?? openAsks(state, run)[0]?.gate.ask ?? null;
    if (ask === null) return say(`${runName(run)} has no open approval.`);
    const why = words.join(" ").trim() || null;
    const before = openAsks(state, run).find(({ gate }) => gate.ask === ask)?.gate;
    const acted = await act(house, request, state.id, { type: "escalate", run: run.id, ask, why });
    if (acted.kind === "refused") return no(acted.problem);
    const next = before?.escalate[before.level]?.role;
    const who = next ? roleWords(systemOf(house, state), next) : "The next level";
    return say(`${runName(run)} is escalated to ${who}. ${safe(run.plan.target)}`);
  },
};
