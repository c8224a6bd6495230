import type { Command } from "../src/command/command.ts";
import { occasionsIn } from "../src/command/reply/occasions.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { runnable, systemNamed } from "../src/command/resolve/system.ts";
import type { RunFigures } from "../src/incident/figures.ts";
import { type ResolvedIncident, resolutionsOf, type Trend, trendDataOf, trendsOf } from "../src/incident/trends.ts";
import { trendPicture } from "../src/report/trend-picture.ts";
import { trendList } from "../templates/messages/incident/answers.ts";
import { trendEmpty } from "../templates/messages/incident/command-refusals.ts";
import { trendLines } from "../templates/messages/incident/trends.ts";
import { said } from "../templates/messages/kit/reply.ts";

/** Records the answer is made from: the newest. A pack has all of a period. */
const RECORDS_MAX = 500;

export const trends: Command = {
  verb: "trends",
  aliases: ["mttr"],
  summary:
    "Show recovery times against objectives, time to resolve, and drills kept. --picture: one runbook over time.",
  usage: "/dr trends [<system>] [--picture <runbook>]",
  examples: ["/dr trends", "/dr trends practice --picture database-failover"],
  reads: ({ options }) => options.picture === undefined,
  async handle(context, request) {
    const [word] = request.words;
    const known = runnable(context);
    const systems = word === undefined ? known : [systemNamed(known, word)];
    const figures: RunFigures[] = [];
    const resolved: ResolvedIncident[] = [];
    let count = 0;
    for await (const state of context.incidents.all()) {
      if (++count > RECORDS_MAX) break;
      if (!systems.some(({ id }) => id === state.declared?.system)) continue;
      const data = trendDataOf(state);
      figures.push(...data.figures);
      resolved.push(...data.resolved);
    }
    const found = trendsOf(figures);
    const { picture } = request.options;
    if (typeof picture === "string") return pictureOf(found, picture);
    const told: string[] = [];
    for (const system of systems) {
      const due = await occasionsIn(context.timeline, context.catalog, system, request.caller.person);
      // A surprise that this reader isn't told of isn't counted for them.
      const years = due.filter(({ hidden }) => !hidden).map(({ year }) => year);
      const kept = years.reduce((sum, { done }) => sum + done, 0);
      told.push(
        ...trendLines({
          title: system.title,
          trends: found.filter((one) => one.system === system.id),
          resolutions: resolutionsOf(resolved.filter((one) => one.system === system.id)),
          calendar: { of: kept + years.reduce((sum, { missed }) => sum + missed, 0), kept },
        }),
      );
    }
    return say(trendList(told, count > RECORDS_MAX ? RECORDS_MAX : null));
  },
};

function pictureOf(found: readonly Trend[], runbook: string) {
  const trend = found.find((one) => one.runbook === runbook && trendPicture(one, "trend") !== null);
  const picture = trend && trendPicture(trend, "trend");
  if (!trend || !picture)
    return stop(trendEmpty(runbook, [...new Set(found.filter(isMeasured).map((one) => one.runbook))]));
  const message = said(picture.alt);
  return { kind: "file" as const, name: `trend-${runbook}.svg`, content: `${picture.svg}\n`, channel: null, message };
}

function isMeasured({ medianRto }: Trend): boolean {
  return medianRto !== null;
}
