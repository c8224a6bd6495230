import { occasionLine } from "../templates/messages/incident/calendar.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import type { Command } from "./command.ts";
import { occasionsOf } from "./occasions.ts";
import { say } from "./say.ts";
import { runnable } from "./start.ts";
import { systemNamed } from "./targets.ts";

export const calendar: Command = {
  verb: "calendar",
  aliases: ["drills", "schedule"],
  summary: "Show scheduled drills, verifications and reviews: next due, last done, overdue.",
  usage: "/dr calendar [--system <system>]",
  examples: ["/dr calendar"],
  reads: () => true,
  async handle(context, request) {
    const named = request.options.system;
    const known = runnable(context);
    const systems = named === undefined ? known : [systemNamed(known, named)];
    const last = await context.incidents.lastVerified();
    const told = systems.flatMap((system) => {
      const all = occasionsOf(context.catalog, system, last, request.caller.person, context.timeline.now());
      return all.length === 0 ? [] : [`*${safe(system.title)}*`, ...all.map((one) => occasionLine(one))];
    });
    return say(told.length === 0 ? `No calendar entries for ${titles(systems)}.` : told);
  },
};

function titles(systems: readonly { readonly title: string }[]): string {
  return systems.map(({ title }) => safe(title)).join(", ") || "any system that may run here";
}
