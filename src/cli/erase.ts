import { parseArgs } from "node:util";
import { cards } from "../actions/index.ts";
import { loadCatalog } from "../catalog/load.ts";
import { loadConfig } from "../config.ts";
import { createLog } from "../lib/log.ts";
import { textsOf } from "../people-in-events.ts";
import { asOwner } from "../timeline/database.ts";
import { openEmbedded } from "../timeline/embedded.ts";
import { forget, lastNamed } from "../timeline/pseudonyms.ts";
import { type Kept, keptUntil } from "./retention.ts";

const usage = `Usage: lifeboat erase <person> [<text> …] [--because "…"]

  Forgets who stood in events as this person: their id and, while a roster names them, their Slack accounts and name. Other texts
  (a Slack user id, a name) are forgotten as they are written here. The timeline stays as it is, and verifies.
  It needs the owner of the database (DATABASE_OWNER_URL). Take them off the rosters first.
  While a system promises to keep evidence that names them (evidenceKept), it is refused with the date. --because says which duty comes
  first; it is kept, and evidence packs name it.
  Not forgotten: free text people wrote, messages in Slack, mail that was sent, backups.
`;

/** Exit code 0: forgotten. 1: no one stood in events as that, or evidence is still to be kept. 2: it could not be asked. */
export async function erase(rest: readonly string[]): Promise<number> {
  const options = { because: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ args: [...rest], options, strict: true, allowPositionals: true });
  const [person, ...others] = positionals;
  const because = values.because?.trim() || null;
  if (person === undefined) {
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
    const texts = [...textsOf(rosters, person), ...others];
    const kept = await asOwner(url, name, async (client) => {
      const { rows } = await client.query<{ now: Date }>("select lifeboat.clock() as now");
      return keptUntil(await lastNamed(client, texts, ROSTERS), rosters, rows[0]?.now ?? new Date());
    });
    const [longest] = kept;
    if (longest !== undefined && because === null) {
      process.stderr.write(refusal(person, kept));
      return 1;
    }
    const count = await asOwner(url, name, (client) => forget(client, texts, longest === undefined ? null : because));
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

/** They name everyone on a roster, whatever each did. */
const ROSTERS = ["policy.recorded", "catalogue.changed"];

function refusal(person: string, kept: readonly Kept[]): string {
  const lines = kept.map(
    ({ system, until, days }) => `  ${system}: until ${until.toISOString().slice(0, 10)} (${days} days)\n`,
  );
  return `Refused: evidence that names ${person} is to be kept.\n${lines.join("")}Nothing was changed. Erase them after that day, or say which duty comes first: --because "…"\n`;
}
