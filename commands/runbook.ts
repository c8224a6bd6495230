import type { Runbook } from "../src/catalog/types.ts";
import { safe } from "../templates/messages/escape.ts";
import type { Command, Reply } from "./command.ts";
import type { House } from "./house.ts";
import { say, stop } from "./say.ts";
import { runnable, START_OPTIONS, startRun } from "./start.ts";
import { didYouMean } from "./targets.ts";

export const runbook: Command = {
  verb: "runbook",
  aliases: ["run"],
  summary: "Run a runbook by its id; without one, list them.",
  usage: `/dr runbook [<id>] ${START_OPTIONS}`,
  examples: ["/dr runbook", "/dr runbook database-failover --dry-run"],
  where: "anywhere",
  async handle(house, request) {
    const [asked] = request.words;
    const known = runbooks(house);
    if (asked === undefined) return list(known);
    const system = request.options.system;
    const found = known.filter(
      (one) =>
        (one.id === asked || `${one.system}/${one.id}` === asked) && (system === undefined || one.system === system),
    );
    const [only] = found;
    if (only !== undefined && found.length === 1) return startRun(house, request, only);
    if (found.length > 1)
      return stop({
        code: "runbook-several",
        what: `Several systems have a runbook ${asked}`,
        allowed: found.map((one) => `${one.system}/${one.id}`).join(", "),
      });
    const ids = known.map(({ id }) => id);
    return stop({
      code: "runbook-unknown",
      what: `There is no runbook "${asked}" here`,
      allowed: `Runbooks: ${ids.join(", ") || "none"}`,
      ...didYouMean(asked, ids, "runbook "),
    });
  },
};

function runbooks(house: House): readonly Runbook[] {
  const systems = runnable(house).map(({ id }) => id);
  return house.catalog.runbooks.filter(({ system }) => systems.includes(system));
}

function list(known: readonly Runbook[]): Reply {
  if (known.length === 0) return say("The catalogue has no runbook that may run here.");
  const told = known.map(({ id, system, title, modes, starts }) => {
    const words = starts ? `, \`/dr ${safe(starts.verb)} ${safe(starts.target)}\`` : "";
    return `• *${safe(id)}* (${safe(system)}): ${safe(title)}. ${modes.join(" or ")}${words}`;
  });
  return say(["Runbooks that may run here:", ...told]);
}
