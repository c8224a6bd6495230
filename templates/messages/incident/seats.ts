import type { Seat, SeatRound } from "../../../src/calendar/seats.ts";
import type { System } from "../../../src/catalog/types.ts";
import { safe } from "../kit/escape.ts";

/** The roles of one system that approve, those that are not filled first. For mrkdwn. */
export function seatLines(
  system: System,
  seats: readonly Seat[],
  drills: ReadonlyMap<string, number>,
  round: SeatRound | null,
): readonly string[] {
  if (seats.length === 0) return [];
  const red = seats.filter(({ ok }) => !ok);
  const head = red.length === 0 ? "🟢 every role filled" : `🔴 ${red.length} of ${seats.length} roles not filled`;
  const sorted = [...red, ...seats.filter(({ ok }) => ok)];
  return [
    `*${safe(system.title)}*: ${head}`,
    ...sorted.map(seatLine),
    ...roundLine(round),
    ...drillLine(system, drills),
  ];
}

function seatLine({ ok, title, needed, people, stepUp }: Seat): string {
  const filled = people.filter(({ problems }) => problems.length === 0).length;
  const said = people.map(({ name, problems }) =>
    problems.length === 0
      ? safe(name)
      : `⚠️ ${safe(name)} (${problems.map((one) => safe(one.replace(/\.$/, ""))).join("; ")})`,
  );
  const who = said.length === 0 ? "none on the roster" : said.join(", ");
  return `• ${ok ? "🟢" : "🔴"} *${safe(title)}*: ${filled} available, ${needed} needed${stepUp ? " · authenticator required" : ""}. ${who}`;
}

function roundLine(round: SeatRound | null): readonly string[] {
  if (round === null) return [];
  const { askedAt, confirmedAt, pagedAt, byPage } = round;
  const answered = byPage.size === 0 ? "" : `, ${byPage.size} by page`;
  const paged = pagedAt.size === 0 ? "" : ` · test pages: ${pagedAt.size}`;
  return [`Confirmed in ${round.id}: ${confirmedAt.size} of ${askedAt.size}${answered}${paged}`];
}

/** Who took part in fewer drills within a year than the system asks for. */
function drillLine({ seats, people }: System, drills: ReadonlyMap<string, number>): readonly string[] {
  const asked = seats?.drillsAYear ?? null;
  if (asked === null) return [];
  const short = [...drills].filter(([, count]) => count < asked);
  if (short.length === 0) return [`✅ Drills: everyone took part in at least ${asked} within a year`];
  const names = short.map(([id, count]) => `${safe(people.find((one) => one.id === id)?.name ?? id)} (${count})`);
  return [`⚠️ Fewer than ${asked} drills within a year: ${names.join(", ")}`];
}
