/**
 * A process that drives whatever it can claim: beats once a second, polls once a second, and prints a line for every
 * claim. It is given a database's URL or a data folder, and is there to be killed.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Lease } from "../../src/timeline/contract.ts";
import { openStore } from "../../src/timeline/index.ts";
import { quiet, storeOn } from "../support/postgres.ts";

const where = process.argv[2] ?? "";
const store = await (where.startsWith("postgres:") ? storeOn(where) : openStore({ dataFolder: where, log: quiet }));
const held = new Map<string, Lease>();
console.log(JSON.stringify({ replica: store.replica }));
setInterval(() => void store.leases.beat([...held.values()]), 1_000);
for (;;) {
  for (const lease of await store.leases.claim(20)) {
    held.set(lease.run, lease);
    console.log(JSON.stringify({ claimed: lease.run, epoch: lease.epoch }));
  }
  await pause(1_000);
}
