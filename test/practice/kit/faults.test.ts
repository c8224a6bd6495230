import { describe, expect, test } from "@jest/globals";
import { createFaultInjection } from "../../../practice/kit/fault-injection.ts";
import type { FaultKind } from "../../../practice/kit/faults.ts";
import { createLedger } from "../../../practice/kit/ledger.ts";
import { servePlain } from "../../../practice/kit/plain.ts";
import { openServer } from "../../../practice/kit/server.ts";
import { until as untilTrue } from "../../support/failure-case.ts";

/** What a kind of fault means, whichever front it strikes: what the caller is told, and whether it was done. */
const MEANS: Readonly<Record<FaultKind, readonly [told: number | "cut" | "nothing", done: boolean]>> = {
  down: ["cut", false],
  hang: ["nothing", false],
  throttle: [429, false],
  fail: [500, false],
  failAfter: [500, true],
  dropAfter: ["cut", true],
  hangAfter: ["nothing", true],
  slow: [200, true],
  lie: [200, false],
};

/** A counter behind a front: how often it was really moved on. */
interface Front {
  readonly url: string;
  injectFault(kind: FaultKind): void;
  moved(): number;
  /** By its own ledger. */
  arrived(): number;
  done(): number;
  close(): Promise<void>;
}

const fronts: Readonly<Record<string, () => Promise<Front>>> = {
  async door() {
    let count = 0;
    const standIn = await openServer({
      isWrite: () => true,
      lie: { status: 200 },
      answer() {
        count += 1;
        return { status: 200 };
      },
    });
    return {
      url: standIn.url,
      injectFault: (kind) => standIn.faults.throw({ kind, times: 1, milliseconds: 1 }),
      moved: () => count,
      arrived: () => standIn.writes().filter((one) => one.done || one.fault === "hang").length,
      done: () => standIn.writes().filter((one) => one.done).length,
      close: standIn.close,
    };
  },
  async "table of routes"() {
    let count = 0;
    const [faults, ledger] = [createFaultInjection(), createLedger()];
    const act = () => ({
      effect() {
        count += 1;
      },
    });
    const server = await servePlain({
      ...{ service: "counter", place: "here", faults, ledger, tooMany: "too_many" },
      routes: [{ operation: "move", method: "POST", path: /^\/$/, act }],
      admit: () => {},
      refusal: ({ code }) => ({ code }),
    });
    return {
      url: server.url,
      injectFault: (kind) => faults.next("move", kind),
      moved: () => count,
      arrived: () => ledger.of("move").length,
      done: () => ledger.of("move", "accepted").length,
      close: server.close,
    };
  },
};

describe.each(Object.entries(fronts))("a request to a %s", (_name, open) => {
  test.each(Object.entries(MEANS))("that %s strikes", async (kind, [told, done]) => {
    const front = await open();
    try {
      front.injectFault(kind as FaultKind);
      let heard: number | "cut" | "nothing" = "nothing";
      const answered = fetch(front.url, { method: "POST" }).then(
        ({ status }) => (heard = status),
        () => (heard = "cut"),
      );
      // What is never answered is known to have arrived by the ledger.
      await (told === "nothing" ? untilTrue("the request", () => front.arrived() === 1) : answered);
      expect([heard, front.moved(), front.done()]).toEqual([told, ...(done ? [1, 1] : [0, 0])]);
      // It strikes once.
      expect((await fetch(front.url, { method: "POST" })).status).toBe(200);
    } finally {
      await front.close();
    }
  });
});
