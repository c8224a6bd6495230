import type { Store } from "../../src/timeline/index.ts";
import { openKeyring, type RecordKeys } from "../../src/timeline/keys.ts";
import { createSecondFactors, type SecondFactorRow } from "../../src/timeline/second-factors.ts";

/** One set for every test, so that processes that share a database share them. They guard nothing. */
export const testKeys: RecordKeys = {
  events: [Buffer.alloc(32, 7).toString("base64")],
  signing: "MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH",
  verifying: [],
};

export const testKeyring = openKeyring(testKeys);

/** The same as settings of a process. */
export const testKeySettings = {
  LIFEBOAT_EVENT_KEYS: testKeys.events.join(","),
  LIFEBOAT_SIGNING_KEY: testKeys.signing ?? "",
};

/** As if what someone has to prove with stood there differently. */
export async function secondFactorsBecome(
  store: Store,
  holders: readonly string[],
  become: (row: SecondFactorRow) => SecondFactorRow,
) {
  await createSecondFactors(store.pool, store.keyring).change(holders, (rows) => ({
    rows: new Map([...rows].map(([holder, row]) => [holder, become(row)])),
    value: null,
  }));
}

export const hoursBefore = (at: Date | null, hours: number) => at && new Date(at.getTime() - hours * 3_600_000);

/** Everyone who ever had something to prove with. */
export async function enrolledIn(store: Store): Promise<readonly string[]> {
  const { rows } = await store.pool.query<{ holder: string }>("select distinct holder from lifeboat.proof_entry");
  return rows.map(({ holder }) => holder);
}
