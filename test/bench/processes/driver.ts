import "../../../src/bot.ts";
import { createLog } from "../../../src/lib/log.ts";
import { openStore } from "../../../src/timeline/index.ts";
import { engineOn } from "../../support/engine-harness.ts";
import { testKeys } from "../../support/record-keys.ts";

/** A process to be killed: all of the bot is loaded, the engine drives the actions of `test/support/ledger-actions.ts`. */
const store = await openStore({
  databaseUrl: process.env.DATABASE_URL,
  dataFolder: "/nonexistent",
  stateFolder: null,
  keys: testKeys,
  log: createLog("error"),
});
engineOn(store).start();
process.stdout.write("ready\n");
