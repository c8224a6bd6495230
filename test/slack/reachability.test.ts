import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createMemberships } from "../../src/slack/memberships.ts";
import { createReachability, type Reachability } from "../../src/slack/reachability.ts";
import { quiet, until } from "../support/postgres.ts";

/** A Slack that answers, hangs or hangs up, as it is told by the path. */
let slack: Server;
let url: string;
beforeAll(async () => {
  slack = createServer((request, response) => {
    if (request.url === "/answers") response.end("{}");
    if (request.url === "/refuses") response.writeHead(503).end();
    if (request.url === "/hangs-up") request.socket.destroy();
  });
  await new Promise<void>((up) => slack.listen(0, "127.0.0.1", up));
  url = `http://127.0.0.1:${(slack.address() as AddressInfo).port}`;
});
afterAll(() => {
  slack.closeAllConnections();
  slack.close();
});

/** With a clock that only the test moves. */
function watched() {
  let now = 1_000_000;
  const reachability = createReachability({ log: quiet, clock: () => now });
  const call = (path: string) =>
    reachability.fetch(`${url}/${path}`).then(
      () => {},
      () => {},
    );
  const passes = (milliseconds: number) => {
    now += milliseconds;
  };
  /** A call that is only given up after so long. */
  const hangs = async (milliseconds: number) => {
    const given = new AbortController();
    const asked = reachability.fetch(`${url}/hangs`, { signal: given.signal }).catch(() => {});
    passes(milliseconds);
    given.abort();
    await asked;
  };
  return { reachability, call, passes, hangs };
}

const isSilent = (reachability: Reachability) => reachability.silentSince() !== null;

describe("Slack's silence", () => {
  test("is certain after a second call that was sent when the first was given up, and 5 s", async () => {
    const { reachability, hangs } = watched();
    const told: Date[] = [];
    reachability.onSilence((since) => told.push(since));
    await hangs(2_500);
    expect(isSilent(reachability)).toBe(false);
    await hangs(2_400);
    expect(isSilent(reachability)).toBe(false);
    await hangs(100);
    expect(isSilent(reachability)).toBe(true);
    expect(told).toEqual([reachability.silentSince()]);
    reachability.onSilence((since) => told.push(since));
    expect(told).toHaveLength(2);
  });

  test("ends with any answer, also one that is a refusal", async () => {
    for (const path of ["answers", "refuses"]) {
      const { reachability, hangs, call } = watched();
      await hangs(5_000);
      await hangs(2_500);
      expect(isSilent(reachability)).toBe(true);
      await call(path);
      expect(isSilent(reachability)).toBe(false);
      await hangs(5_000);
      expect(isSilent(reachability)).toBe(false);
    }
  });

  test("is not concluded from calls that were in progress together: a process that was frozen wakes to all of them", async () => {
    const { reachability, passes } = watched();
    const given = new AbortController();
    const calls = [1, 2, 3].map(() => reachability.fetch(`${url}/hangs`, { signal: given.signal }).catch(() => {}));
    passes(60_000);
    given.abort();
    await Promise.all(calls);
    expect(isSilent(reachability)).toBe(false);
  });

  test("is not concluded from connections that are refused for a moment", async () => {
    const { reachability, call, passes } = watched();
    for (let i = 0; i < 5; i++) {
      await call("hangs-up");
      passes(900);
    }
    expect(isSilent(reachability)).toBe(false);
    passes(900);
    await call("hangs-up");
    expect(isSilent(reachability)).toBe(true);
  });

  test("is found without anyone asking, and so is its end", async () => {
    let path = "hangs";
    const timings = { every: 10, again: 5, silent: 5, certain: 40 };
    const reachability = createReachability({ log: quiet, timings });
    reachability.start(() => reachability.fetch(`${url}/${path}`, { signal: AbortSignal.timeout(20) }));
    try {
      await until(() => isSilent(reachability));
      path = "answers";
      await until(() => !isSilent(reachability));
    } finally {
      reachability.stop();
    }
  });

  test("is never concluded while something is answered every 5 s, and always when nothing is for long", async () => {
    // What happens, one after the other: an answer, or a call that is given up after so many milliseconds.
    const happening = fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 9_000 }));
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 8 }), async (all) => {
        const { reachability, call, hangs } = watched();
        let unanswered: number[] = [];
        for (const one of all) {
          if (one === null) await call("answers");
          else await hangs(one);
          unanswered = one === null ? [] : [...unanswered, one];
          const waited = unanswered.reduce((sum, each) => sum + each, 0);
          expect(isSilent(reachability)).toBe(unanswered.length > 1 && waited >= 5_000);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("what Slack said last", () => {
  function memory() {
    const now = { monotonic: 0, wall: 1_700_000_000_000 };
    const memberships = createMemberships<string>({ monotonic: () => now.monotonic, wall: () => now.wall });
    return { now, memberships };
  }

  test("is as old as its question", () => {
    const { now, memberships } = memory();
    const said = memberships.asking("U1");
    now.monotonic += 2_000;
    said("member");
    expect(memberships.last("U1")).toEqual({ said: "member", ageMs: 2_000 });
    expect(memberships.last("U2")).toBeNull();
  });

  test("is never younger than either clock says: a machine that slept, a clock that was set", () => {
    const { now, memberships } = memory();
    memberships.asking("U1")("member");
    now.wall += 3_600_000;
    expect(memberships.last("U1")?.ageMs).toBe(3_600_000);
    now.wall -= 7_200_000;
    now.monotonic += 1_000;
    expect(memberships.last("U1")?.ageMs).toBe(1_000);
  });

  test("is the answer to the latest question, in whatever order they come", () => {
    const { memberships } = memory();
    const [first, second] = [memberships.asking("U1"), memberships.asking("U1")];
    second("deactivated");
    first("member");
    expect(memberships.last("U1")?.said).toBe("deactivated");
  });

  test("is kept of so many accounts; the oldest have none", () => {
    const { memberships } = memory();
    for (let i = 0; i < 6_000; i++) memberships.asking(`U${i}`)("member");
    expect(memberships.last("U0")).toBeNull();
    expect(memberships.last("U5999")?.said).toBe("member");
  });
});
