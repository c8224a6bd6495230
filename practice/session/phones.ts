import { loadCatalog } from "../../src/catalog/load.ts";
import { createLog } from "../../src/lib/log.ts";
import { holderOf } from "../../src/mfa/second-factor.ts";
import { openStore } from "../../src/timeline/index.ts";
import { createSecondFactors } from "../../src/timeline/second-factors.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Practice } from "./practice.ts";

/** The phones of one bot's people, by account. They stay with their people from one play to the next. */
export type Phones = Map<string, Authenticator>;

/** By the bot's store, in which they are enrolled. */
const phones = new Map<string, Phones>();

export function phonesOf(dataFolder: string): Phones {
  const known = phones.get(dataFolder) ?? new Map();
  phones.set(dataFolder, known);
  return known;
}

/**
 * Takes away what an account proves with on every roster it is on, as `lifeboat unenroll` does, so that its owner can enroll
 * again and has codes again: a code counts once, and a play doesn't wait for the next one.
 */
export async function unenroll(
  { systemFolder, dataFolder }: Pick<Practice, "systemFolder" | "dataFolder">,
  account: string,
): Promise<void> {
  const holders = loadCatalog(systemFolder).catalog.systems.flatMap(({ id, people }) =>
    people.filter(({ slack }) => slack.includes(account)).map((person) => holderOf(id, person.id)),
  );
  const store = await openStore({ dataFolder, log: createLog("error"), openSeconds: 15 });
  try {
    for (const holder of holders) await createSecondFactors(store.pool, store.keyring).forget(holder);
  } finally {
    await store.close();
  }
}
