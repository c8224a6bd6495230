import type { System } from "../catalog/types.ts";
import { type Book, type Heard, heldUntil } from "../incident/alerts.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Inbox, Tally } from "../timeline/contract.ts";
import { type Matched, matchNotice } from "./match.ts";
import type { Notice } from "./notice.ts";
import { type Placing, placeAlerts } from "./place.ts";
import { ALERTS } from "./routes.ts";

export interface Hearing extends Placing {
  readonly inbox: Pick<Inbox, "receive">;
  readonly tally: Pick<Tally, "add">;
  /** As they are now: those that may run here. */
  readonly systems: () => readonly System[];
  readonly books: () => readonly Book[];
}

const DAY_SECONDS = 86_400;

/** What came in together, heard together: each system's incident gets one decision, however many alerts there are. */
export async function hear(hearing: Hearing, notices: readonly Notice[]): Promise<void> {
  const systems = hearing.systems();
  const books = hearing.books();
  const matched = notices.map((notice) => ({ notice, matched: matchNotice(notice, systems, books) }));
  const open = (await hearing.incidents.open()).map(({ state }) => state);
  const now = hearing.timeline.now();
  const bySystem = new Map<System, Heard[]>();
  for (const one of matched) {
    if (one.matched.system === null) continue;
    const { system, heard } = one.matched;
    const until = held(open, system, heard, now);
    if (until !== null) await keepUntil(hearing, one.notice, until, now);
    else bySystem.set(system, [...(bySystem.get(system) ?? []), heard]);
  }
  for (const [system, heard] of bySystem) await placeAlerts(hearing, system, heard);
  await countUnmatched(hearing, matched);
}

function held(open: readonly IncidentState[], { id }: System, { alert }: Heard, now: Date): Date | null {
  const waits = open.flatMap((state) => (state.declared?.system === id ? (heldUntil(state, alert, now) ?? []) : []));
  return waits[0] ?? null;
}

/** Back into the inbox, where no one takes it before then. Its key names the moment, so a repeat of this is one. */
async function keepUntil({ inbox }: Hearing, notice: Notice, until: Date, now: Date): Promise<void> {
  const seconds = Math.max(1, (until.getTime() - now.getTime()) / 1000);
  const key = `alerts/held/${notice.fingerprint}/${notice.receivedAt}/${until.toISOString()}`;
  await inbox.receive(key, ALERTS, { notices: [notice] }, seconds);
}

/** By name, so that the one who looks after the catalogue sees what is missing in it. */
async function countUnmatched(
  { tally }: Hearing,
  matched: readonly { readonly notice: Notice; readonly matched: Matched }[],
): Promise<void> {
  const names = new Map<string, string>();
  for (const { notice, matched: found } of matched)
    if (found.system === null) names.set(`${notice.sender}: ${notice.name}`.slice(0, 200), found.why);
  for (const [name, why] of names) await tally.add("alerts/unmatched", name, DAY_SECONDS, why);
}
