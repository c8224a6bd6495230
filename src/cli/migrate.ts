import { loadConfig } from "../config.ts";
import { createLog } from "../lib/log.ts";
import { openStore } from "../timeline/index.ts";

/** Brings the schema up to date and admits the login of `DATABASE_URL`, so that the bot itself never holds the owner's. */
export async function migrate(): Promise<number> {
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  const store = await openStore({ ...loaded.config.store, log: createLog("info"), openSeconds: 15 });
  await store.close();
  process.stdout.write("The schema is up to date. The bot's login may use it, and can't change what is recorded.\n");
  return 0;
}
