import { describe, expect, test } from "@jest/globals";
import type { ShownCheck } from "../../src/incident/events.ts";
import { isSame, judgePreflight, judgeProblems, worstOf } from "../../src/readiness/judge.ts";

/** Given what a request for a runbook would be told now; when it is judged; then it is ready, not needed or not ready, by codes alone. */
const check = (id: string, more: Partial<ShownCheck> = {}): ShownCheck => ({
  ...{ step: "promote", id, ok: false, level: "block", says: `${id} failed.` },
  ...more,
});

describe("a preflight", () => {
  test("that passes is ready, also where it warns", () => {
    const checks = [check("lag", { ok: true }), check("primary.answers", { level: "warn" })];
    expect(judgePreflight({ checks })).toEqual({ verdict: "ready", findings: [] });
  });

  test("that is refused because everything is healthy isn't needed", () => {
    const checks = [check("server1.gone", { notNeeded: true }), check("cluster.fresh", { notNeeded: true })];
    expect(judgePreflight({ checks })).toMatchObject({
      verdict: "notNeeded",
      findings: [{ code: "server1.gone" }, {}],
    });
  });

  test("is not ready where one check fails for another reason, and only that is told", () => {
    const checks = [check("server1.gone", { notNeeded: true }), check("backup.there"), check("host.answers")];
    expect(judgePreflight({ checks })).toEqual({
      verdict: "notReady",
      findings: [
        { code: "backup.there", step: "promote", says: "backup.there failed" },
        { code: "host.answers", step: "promote", says: "host.answers failed" },
      ],
    });
  });

  test("stays ready whatever exists beside it, and that is told by name", () => {
    const drift = check("drift.database/scratch", { level: "warn", says: "database/scratch is in no runbook." });
    const told = { code: drift.id, step: "promote", says: "database/scratch is in no runbook" };
    expect(judgePreflight({ checks: [drift] })).toEqual({ verdict: "ready", findings: [told] });
    expect(judgePreflight({ checks: [check("backup.there"), drift] })).toMatchObject({
      verdict: "notReady",
      findings: [{ code: "backup.there" }, told],
    });
    const one = judgePreflight({ checks: [drift] });
    const other = judgePreflight({ checks: [{ ...drift, id: "drift.database/other" }] });
    expect([isSame(one, one), isSame(one, other)]).toEqual([true, false]);
  });

  test("is judged check by check: one id may be healthy in one step and broken in another", () => {
    const checks = [check("server1.gone", { notNeeded: true }), check("server1.gone", { step: "other" })];
    expect(judgePreflight({ checks }).verdict).toBe("notReady");
  });

  test("says one cause once, whatever many steps find of it", () => {
    const cause = { id: "silent:db-a", says: "db-a does not answer" };
    const checks = ["one", "two", "three"].map((step) => check("answers", { step, cause }));
    expect(judgePreflight({ checks }).findings).toEqual([{ code: "answers", step: "one", says: cause.says }]);
  });
});

describe("a plan that can't be made", () => {
  test("because nothing has to rejoin isn't needed", () => {
    const problem = {
      code: "nothing-to-rejoin",
      where: "Rejoin",
      what: "The database has no member that needs to rejoin",
    };
    expect(judgeProblems([problem], "Rejoin")).toEqual({
      verdict: "notNeeded",
      findings: [{ code: problem.code, step: null, says: problem.what }],
    });
  });

  test.each(["target-absent", "no-standby", "split-brain", "target-unclear", "missing-values", "drill-nowhere"])(
    "because of %s is not ready",
    (code) =>
      expect(judgeProblems([{ code, where: "Database", what: "It is so" }], "Fail over").verdict).toBe("notReady"),
  );
});

describe("two findings", () => {
  const lag = (says: string) => judgePreflight({ checks: [check("lag", { says })] });
  test("are the same where only a figure in a check's words differs", () => {
    expect(isSame(lag("It is 3 s behind."), lag("It is 4 s behind."))).toBe(true);
  });
  test("differ where a plan is refused in other words", () => {
    const refused = (what: string) => judgeProblems([{ code: "no-standby", what }], "");
    expect(isSame(refused("a is active"), refused("b is active"))).toBe(false);
  });
  test("of several choices the worst counts", () => {
    const ready = { verdict: "ready", findings: [] } as const;
    const idle = { verdict: "notNeeded", findings: [] } as const;
    expect(worstOf([idle, ready])).toBe(ready);
    expect(worstOf([ready, lag("It is far behind.")]).verdict).toBe("notReady");
  });
});
