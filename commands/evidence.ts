import type { System } from "../src/catalog/types.ts";
import { actorOf, type Command, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { momentIn } from "../src/command/parse/moment.ts";
import { stop } from "../src/command/reply/say.ts";
import { asNamed, runnable, systemNamed } from "../src/command/resolve/system.ts";
import { COMMANDER, oneOf, personOf, roleTitle } from "../src/incident/people.ts";
import { packSaid } from "../templates/messages/incident/evidence.ts";
import {
  mayNotTakePack,
  packBeginMissing,
  packOnHost,
  packUnderWay,
  whichSystem,
} from "../templates/messages/incident/evidence-refusals.ts";
import { noBotHere } from "../templates/messages/kit/command-refusals.ts";
import { said } from "../templates/messages/kit/reply.ts";

/** Systems a pack is being made of, in this process: making one reads a whole period. */
const underWay = new Set<string>();

export const evidence: Command = {
  verb: "evidence",
  aliases: ["pack"],
  summary: "Get the evidence pack of a period in a direct message: what was due, done, missed and decided, signed.",
  usage: "/dr evidence [<system>] --from <YYYY-MM-DD> [--to <YYYY-MM-DD>]",
  examples: ["/dr evidence --from 2026-01-01", "/dr evidence practice --from 2026-10-01 --to 2026-12-01"],
  async handle(context, request) {
    const system = systemMeant(context, request);
    if (!mayTake(request, system)) return stop(mayNotTakePack(rolesOf(system), ableOf(context, system)));
    if (request.caller.transport !== "slack") return stop(packOnHost(system.id));
    if (context.evidence === undefined) return stop(noBotHere("evidence-nowhere"));
    const { from, to } = request.options;
    if (typeof from !== "string") return stop(packBeginMissing());
    const now = context.timeline.now();
    const period = { system: system.id, from: dayIn(from, now), to: typeof to === "string" ? dayIn(to, now) : null };
    if (underWay.has(system.id)) return stop(packUnderWay(system.title));
    underWay.add(system.id);
    try {
      const pack = await context.evidence(period);
      const { person } = request.caller;
      context.log.info(
        { event: "record.pack_taken", system: system.id, person, manifest: pack.manifestSha256 },
        "an evidence pack was taken",
      );
      const name = `evidence-${system.id}-${period.from.toISOString().slice(0, 10)}-${pack.to.toISOString().slice(0, 10)}.zip`;
      // Theirs alone, wherever it was requested.
      return {
        kind: "file",
        name,
        content: pack.content,
        message: said(packSaid(system, { ...pack, from: period.from })),
        channel: null,
        confidential: true,
      };
    } finally {
      underWay.delete(system.id);
    }
  },
};

function systemMeant(context: CommandContext, { words, options }: Request): System {
  const known = runnable(context);
  const named = options.system ?? words[0];
  if (typeof named === "string") return systemNamed(known, named);
  const [only, ...more] = known;
  return only !== undefined && more.length === 0 ? only : stop(whichSystem(known.map(({ id }) => id)));
}

/** Who runs Lifeboat for this system; where it names no one, its incident commanders. */
function rolesIn({ administrators = [COMMANDER] }: System): readonly string[] {
  return administrators;
}

function mayTake({ caller }: Request, system: System): boolean {
  const roles = personOf(actorOf(caller), system)?.roles ?? [];
  return rolesIn(system).some((role) => roles.includes(role));
}

function rolesOf(system: System): readonly string[] {
  return rolesIn(system).map((role) => roleTitle(role, system));
}

function ableOf(context: CommandContext, system: System): string {
  const able = asNamed(context, system).people.filter(({ roles }) =>
    rolesIn(system).some((role) => roles.includes(role)),
  );
  return oneOf(able.map(({ name }) => name));
}

/** A day is its beginning in UTC; anything else is a moment as it is typed elsewhere. */
function dayIn(text: string, now: Date): Date {
  return momentIn(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text} 00:00` : text, now);
}
