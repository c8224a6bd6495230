import { setTimeout as pause } from "node:timers/promises";
import type { Catalog } from "../catalog/types.ts";
import type { People } from "./people.ts";

export interface RosterWatchOptions {
  readonly people: Pick<People, "look">;
  readonly catalog: Catalog;
  /** How many times as fast as Slack documents; 1 outside practice. */
  readonly rate: number;
  readonly stopping: AbortSignal;
}

/** An account is asked about again after this. */
const EVERY_MS = 3_600_000;
/** People who were put on a roster meanwhile are found within this. */
const ROUND_MS = 60_000;
/** users.info is Tier 4, 100 a minute and more; presses need it too. @see https://docs.slack.dev/apis/web-api/rate-limits */
const APART_MS = 1_500;

/**
 * Asks Slack about everyone on a roster, once an hour and one after the other: who was deactivated is known before an incident names
 * them. Resolves when it is told to stop.
 */
export async function watchRoster({ people, catalog, rate, stopping }: RosterWatchOptions): Promise<void> {
  const askedAt = new Map<string, number>();
  const rest = (ms: number) => pause(ms, undefined, { signal: stopping, ref: false }).catch(() => {});
  while (!stopping.aborted) {
    const accounts = new Set(catalog.systems.flatMap((system) => system.people.flatMap(({ slack }) => slack)));
    for (const account of askedAt.keys()) if (!accounts.has(account)) askedAt.delete(account);
    for (const account of accounts) {
      if (stopping.aborted) return;
      if ((askedAt.get(account) ?? Number.NEGATIVE_INFINITY) > performance.now() - EVERY_MS) continue;
      askedAt.set(account, performance.now());
      await people.look(account);
      await rest(APART_MS / rate);
    }
    await rest(ROUND_MS);
  }
}
