import { afterEach, expect, jest, test } from "@jest/globals";
import { createDeliveryWorker } from "../../src/projection/worker.ts";
import { MemoryDatabase } from "../support/memory-store/database.ts";
import { createMemoryDeliveries } from "../support/memory-store/deliveries.ts";
import { quiet } from "../support/postgres.ts";

afterEach(() => {
  jest.restoreAllMocks();
});

/** How often it was sent by a process that stands still for so many seconds between its note and sending. */
async function sent(standsStill: number): Promise<number> {
  const database = new MemoryDatabase(Date.now);
  const real = performance.now.bind(performance);
  let late = 0;
  jest.spyOn(performance, "now").mockImplementation(() => real() + late * 1000);
  const deliveries = createMemoryDeliveries(database, {
    async ask(_what, work) {
      return work();
    },
    notice: () => {},
  });
  await deliveries.enqueue("inc-1", 1, [
    { sink: "mail", queue: "a@b.c", key: "update-1", once: true, desired: "Hello" },
  ]);
  let times = 0;
  const worker = createDeliveryWorker({
    deliveries: {
      ...deliveries,
      async sending(item, owner) {
        const mine = await deliveries.sending(item, owner);
        late = standsStill;
        return mine;
      },
    },
    sinks: [
      {
        name: "mail",
        async send() {
          times += 1;
          return { how: "delivered", told: "Hello", reference: null, says: null };
        },
      },
    ],
    log: quiet,
    ended: () => {},
  });
  await worker.round();
  await worker.settled();
  return times;
}

test("a process that stood still before it sent doesn't send: another may have done so", async () => {
  expect(await sent(0)).toBe(1);
  expect(await sent(61)).toBe(0);
});
