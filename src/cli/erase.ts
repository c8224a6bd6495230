import { cards } from "../actions/index.ts";
import { loadCatalog } from "../catalog/load.ts";
import { loadConfig } from "../config.ts";
import { createLog } from "../lib/log.ts";
import { textsOf } from "../people-in-events.ts";
import { asOwner } from "../timeline/database.ts";
import { openEmbedded } from "../timeline/embedded.ts";
import { forget } from "../timeline/pseudonyms.ts";

const usage = `Usage: lifeboat erase <person> [<text> …]

  Forgets who stood in events as this person: their id and, while a roster names them, their Slack accounts and name. Other texts
  (a Slack user id, a name) are forgotten as they are written here. The timeline stays as it is, and verifies.
  It needs the owner of the database (DATABASE_OWNER_URL). Take them off the rosters first.
  Not forgotten: free text people wrote, messages in Slack, mail that was sent, backups.
`;

/** Exit code 0: forgotten. 1: nobody stood in events as that. 2: it could not be asked. */
export async function erase(texts: readonly string[]): Promise<number> {
  const [person, ...others] = texts;
  if (person === undefined || person.startsWith("-")) {
    process.stderr.write(usage);
    return 2;
  }
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  const { store, catalog } = loaded.config;
  const rosters = loadCatalog(catalog.systemsFolder, cards).catalog;
  const embedded = store.databaseUrl === undefined ? await openEmbedded(store.dataFolder, createLog("warn")) : null;
  const url = store.ownerUrl ?? store.databaseUrl ?? embedded?.url ?? "";
  const name = "lifeboat-erase";
  try {
    const count = await asOwner(url, name, (client) => forget(client, [...textsOf(rosters, person), ...others]));
    const still = rosters.systems.filter(({ people }) => people.some(({ id }) => id === person)).map(({ id }) => id);
    if (still.length > 0)
      process.stderr.write(
        `${person} is still on the roster of ${still.join(", ")}: what they do next is recorded again.\n`,
      );
    process.stdout.write(
      count > 0 ? `Forgotten: ${count} ids. Bots show them no more within a minute.\n` : `No events name ${person}.\n`,
    );
    return count > 0 ? 0 : 1;
  } finally {
    await embedded?.leave(name);
  }
}
