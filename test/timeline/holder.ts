/**
 * A process that drives whatever it can claim: beats once a second, polls once a second, appends what it is told on
 * standard input, and prints a line for everything that happens. It is there to be killed.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Lease } from "../../src/timeline/contract.ts";
import { storeOn } from "./server.ts";

const store = await storeOn(process.argv[2] ?? "");
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
