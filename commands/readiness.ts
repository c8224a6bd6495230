import type { System } from "../src/catalog/types.ts";
import type { Command, Reply, Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { nameIn, stop } from "../src/command/reply/say.ts";
import { runnable, systemNamed } from "../src/command/resolve/system.ts";
import type { Readiness, SystemReadiness } from "../src/readiness/state.ts";
import { readinessFile } from "../templates/messages/incident/answers.ts";
import {
  checkingNow,
  readinessDetails,
  readinessOverview,
  readinessUnknown,
} from "../templates/messages/incident/readiness.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { safe } from "../templates/messages/kit/escape.ts";

export const readiness: Command = {
  verb: "readiness",
  aliases: ["ready", "readiness.details", "readiness.now"],
  summary: "Show which runbooks would pass their preflight now, since when not, and why. --now checks again.",
  usage: "/dr readiness [<system>] [--system <system>] [--now] [--json]",
  examples: ["/dr readiness", "/dr readiness practice --now"],
  // To look again changes nothing anywhere: proofs only read. As JSON it's taken out.
  reads: ({ options }) => options.json === undefined,
  async handle(context, request) {
    const { readiness: book } = context;
    if (book === undefined) return stop(readinessUnknown);
    const { systems, one } = systemsMeant(context, request);
    if (request.options.json === true) return asJson(await book.of(systems));
    if (request.options.now === true || request.verb === "readiness.now") return proveNow(book, systems);
    const known = await book.of(systems);
    const [only] = known;
    if (!one || only === undefined) return { kind: "private", message: readinessOverview(known, book.everyMs) };
    const [system] = systems;
    const names = (roles: readonly string[]) => toldIn(context, system, roles);
    return { kind: "private", message: readinessDetails(only, names, context.timeline.now()) };
  },
};

/** One that is named, or that the button is of; else all that run here. */
function systemsMeant(context: CommandContext, request: Request): { systems: readonly System[]; one: boolean } {
  const known = runnable(context);
  const [pressed] = parseActionValue(request.actionValue).about;
  const named = request.verb.startsWith("readiness.") ? pressed : (request.options.system ?? request.words[0]);
  if (named !== undefined) return { systems: [systemNamed(known, named)], one: true };
  return { systems: known, one: false };
}

async function proveNow(book: Readiness, systems: readonly System[]): Promise<Reply> {
  const counts = await Promise.all(systems.map((system) => book.proveNow(system)));
  const [first] = systems;
  const of = systems.length === 1 && first !== undefined ? first.id : null;
  const all = counts.reduce((sum, count) => sum + count, 0);
  const message = checkingNow(
    systems.map(({ title }) => title),
    all,
    of,
  );
  return { kind: "private", message };
}

/** Roles with who holds them today. */
function toldIn(context: CommandContext, system: System | undefined, roles: readonly string[]): string {
  return roles
    .map((role) => {
      const title = system?.roles.find(({ id }) => id === role)?.title ?? role;
      const people = (system?.people ?? []).filter((person) => person.roles.includes(role));
      const holders = people.map(({ id }) => nameIn(context, id)).join(", ");
      return holders === "" ? safe(title) : `${safe(title)} (${holders})`;
    })
    .join("; ");
}

/** For programs: everything that is known, in one document. */
function asJson(systems: readonly SystemReadiness[]): Reply {
  const content = `${JSON.stringify({ systems }, null, 2)}\n`;
  const message = readinessFile();
  return { kind: "file", name: "readiness.json", content, message, channel: null, confidential: true };
}
