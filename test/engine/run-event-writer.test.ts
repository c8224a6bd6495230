import { expect, test } from "@jest/globals";
import { openRunEventWriter } from "../../src/engine/run-event-writer.ts";
import { canonicalBytes, hashOf } from "../../src/lib/canonical.ts";
import type { Timeline } from "../../src/timeline/contract.ts";
import { failover, IncidentScenario } from "../support/incident-scenario.ts";

/** A process may stand still between what the store answered and the moment it reads that; others take its run over meanwhile. */
const STOOD_STILL_MS = 40;

const standStill = async () => {
  for (const since = performance.now(); performance.now() - since < STOOD_STILL_MS; )
    await new Promise((next) => setImmediate(next));
};

function opened() {
  const plan = failover();
  const { log } = new IncidentScenario().declared().requested(plan);
  // A store whose answer is read late: it decided at once.
  const decide = async (_stream: string, decideOn: (events: unknown, now: Date) => { value: unknown }) => {
    const { value } = decideOn(log, new Date());
    await standStill();
    return { kind: "written", value, events: [] };
  };
  const about = { run: "run-1", stream: "inc-1", epoch: "1", deaths: 0 };
  return openRunEventWriter({ decide } as unknown as Timeline, {
    ...{ ...about, planHash: hashOf(plan), planBytes: canonicalBytes(plan) },
  });
}

test("a lease is held from when the store was asked, not from when its answer was read", async () => {
  const writer = opened();
  // A claim whose answer was read late proves nothing by itself.
  expect(writer.confirmedAgeMs()).toBe(Number.POSITIVE_INFINITY);
  await writer.write(() => null);
  expect(writer.confirmedAgeMs()).toBeGreaterThanOrEqual(STOOD_STILL_MS);
});

test("a later proof stays, whichever answer is read last", async () => {
  const writer = opened();
  const first = writer.asking();
  await standStill();
  const second = writer.asking();
  writer.proven(second);
  writer.proven(first);
  expect(writer.confirmedAgeMs()).toBeLessThan(performance.now() - first.steady - STOOD_STILL_MS / 2);
});
