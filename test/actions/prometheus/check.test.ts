import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Answer, createPrometheus, type Prometheus } from "../../../practice/targets/prometheus/index.ts";
import { actionHarness } from "../../support/action-harness.ts";

const BASIC = `Basic ${Buffer.from("lifeboat:pw").toString("base64")}`;
const RATE = 'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))';

let prometheus: Prometheus;
let closed: Prometheus;
beforeAll(async () => {
  prometheus = await createPrometheus();
  closed = await createPrometheus({ authorization: BASIC, finds: () => ({ scalar: "0" }) });
});
afterEach(() => {
  prometheus.faults.clear();
  prometheus.warnings = [];
});
afterAll(async () => {
  await Promise.all([prometheus, closed].map((one) => one?.close()));
});

const given = (more: object = {}) => ({
  ...{ prometheus: { url: prometheus.url }, measures: "Errors of the API", query: RATE, is: "<", limit: 0.05 },
  ...{ timeoutSeconds: 1, ...more },
});

async function found(answer: Answer | null, more: object = {}, environment: Record<string, string> = {}) {
  prometheus.finds(() => answer);
  const { checks, facts } = await actionHarness(environment).look("prometheus.check", given(more));
  const [check] = checks;
  return { ok: check?.ok, says: check?.says, value: facts.value };
}

const api = { job: "api" };

describe("a figure of Prometheus", () => {
  test.each<[string, Answer, boolean, unknown, string]>([
    ["one number within it", { scalar: "0.01" }, true, 0.01, "Errors of the API is 0.01; < 0.05 holds."],
    ["one number at it", { scalar: "0.05" }, false, 0.05, "Errors of the API is 0.05; it has to be < 0.05."],
    [
      "one series without labels",
      { vector: [[{}, "0.2"]] },
      false,
      0.2,
      "Errors of the API is 0.2; it has to be < 0.05.",
    ],
    [
      "the worst of several series",
      {
        vector: [
          [api, "0.01"],
          [{ job: "web", az: "a" }, "0.07"],
          [{ job: "worker" }, "0.06"],
        ],
      },
      ...([false, 0.07, 'Errors of the API is 0.07 (az="a", job="web"); it has to be < 0.05.'] as const),
    ],
    ["no limit at all", { scalar: "+Inf" }, false, "+Inf", "Errors of the API is +Inf; it has to be < 0.05."],
    [
      "a number as Prometheus writes small ones",
      { scalar: "1e-05" },
      true,
      0.00001,
      "Errors of the API is 0.00001; < 0.05 holds.",
    ],
  ])("%s", async (_what, answer, ok, value, says) => {
    expect(await found(answer)).toEqual({ ok, value, says });
  });

  test.each<[string, Answer, string]>([
    [
      "no data",
      { vector: [] },
      "Errors of the API is unknown: it has no data for this query, and unknown is not < 0.05.",
    ],
    [
      "nothing to divide by",
      { scalar: "NaN" },
      "Errors of the API is unknown: there was nothing to measure (NaN), and unknown is not < 0.05.",
    ],
    [
      "nothing to divide by in one of several series",
      {
        vector: [
          [api, "0"],
          [{ job: "web" }, "NaN"],
        ],
      },
      'Errors of the API is unknown: there was nothing to measure for job="web" (NaN), and unknown is not < 0.05.',
    ],
    [
      "a histogram",
      { histogram: api },
      "Errors of the API can't be read from Prometheus: the query gives a histogram, and no number to compare.",
    ],
    [
      "a range",
      { matrix: [] },
      "Errors of the API can't be read from Prometheus: the query gives a matrix, and no number to compare.",
    ],
    [
      "a text",
      { string: "up" },
      "Errors of the API can't be read from Prometheus: the query gives a string, and no number to compare.",
    ],
    [
      "what is no number",
      { scalar: "many" },
      'Errors of the API can\'t be read from Prometheus: it answered with "many", which is no number.',
    ],
    [
      "more series than a limit is for",
      { vector: Array.from({ length: 101 }, (_, n) => [{ pod: `${n}` }, "0"] as const) },
      "Errors of the API can't be read from Prometheus: the query gives 101 series, more than 100.",
    ],
    [
      "a mistake in the query",
      { error: "bad_data", says: 'invalid parameter "query": 1:4: parse error: unexpected end of input' },
      'Errors of the API can\'t be read from Prometheus: it answered 400, bad_data: invalid parameter "query": 1:4: parse error: unexpected end of input.',
    ],
    [
      "a query that can't be executed",
      { error: "execution", says: "expanding series: multiple matches for labels" },
      "Errors of the API can't be read from Prometheus: it answered 422, execution: expanding series: multiple matches for labels.",
    ],
    [
      "a query that takes too long for the server",
      { error: "timeout", says: "query timed out in expression evaluation" },
      "Errors of the API can't be read from Prometheus: it answered 503, timeout: query timed out in expression evaluation.",
    ],
  ])("%s is unknown, and said to be", async (_what, answer, says) => {
    expect(await found(answer)).toEqual({ ok: false, value: null, says });
  });

  test("more than a limit, or at least as much, is asked for as well; then the least of the series counts", async () => {
    const vector = [
      [api, "3"],
      [{ job: "web" }, "1"],
    ] as const;
    expect(await found({ vector }, { is: ">=", limit: 2 })).toMatchObject({ ok: false, value: 1 });
    expect(await found({ vector }, { is: ">", limit: 0 })).toMatchObject({ ok: true, value: 1 });
    expect(await found({ scalar: "2" }, { is: "<=", limit: 2 })).toMatchObject({ ok: true });
    expect(await found({ scalar: "-Inf" }, { is: ">", limit: 0 })).toMatchObject({ ok: false, value: "-Inf" });
  });

  test("what Prometheus warns of stands beside it", async () => {
    prometheus.warnings = ["PromQL warning: metric might not be a counter"];
    expect(await found({ scalar: "0.01" })).toMatchObject({
      ok: true,
      says: "Errors of the API is 0.01; < 0.05 holds. Prometheus warns: PromQL warning: metric might not be a counter.",
    });
  });

  test("the query goes out as it is written, with a deadline of the server's own", async () => {
    await found({ scalar: "0" }, { timeoutSeconds: 10 });
    expect(prometheus.ledger.entries.at(-1)).toMatchObject({
      operation: "query",
      given: { query: RATE, timeout: "9s" },
    });
  });
});

describe("a Prometheus that doesn't answer", () => {
  test.each(["hang", "down"] as const)("%s: no one can tell, within its deadline", async (fault) => {
    prometheus.faults.next("query", fault);
    const began = performance.now();
    const { ok, says } = await found({ scalar: "0" });
    expect([ok, performance.now() - began < 10_000]).toEqual([false, true]);
    expect(says).toMatch(/^Errors of the API can't be read from Prometheus: it doesn't answer: /);
  });

  test("what answers in other words isn't believed", async () => {
    prometheus.faults.next("query", "fail");
    expect((await found({ scalar: "0" })).says).toBe(
      "Errors of the API can't be read from Prometheus: it answered 500, and not as Prometheus does.",
    );
  });

  test("an address practice may not touch isn't asked", async () => {
    const { ok, says } = await found(null, { prometheus: { url: "https://192.0.2.1" } });
    expect([ok, says]).toEqual([false, expect.stringMatching(/practice/i)]);
  });
});

describe("a Prometheus behind a login", () => {
  const look = async (more: object, environment: Record<string, string>) => {
    const target = { url: closed.url, ...more };
    const { checks } = await actionHarness(environment).look("prometheus.check", given({ prometheus: target }));
    return checks[0];
  };

  test("answers with it, and is unknown without", async () => {
    const login = { user: "lifeboat", passwordFrom: "PROMETHEUS_PASSWORD" };
    expect(await look({ login }, { PROMETHEUS_PASSWORD: "pw" })).toMatchObject({ ok: true });
    expect(await look({ login }, { PROMETHEUS_PASSWORD: "other" })).toMatchObject({
      ok: false,
      says: "Errors of the API can't be read from Prometheus: it answered 401, and not as Prometheus does.",
    });
    expect(await look({}, {})).toMatchObject({ ok: false });
    expect(await look({ tokenFrom: "TOKEN" }, { TOKEN: "x" })).toMatchObject({ ok: false });
  });
});

describe("as a step", () => {
  const verify = (more: object) => {
    const harness = actionHarness({});
    const action = harness.action("prometheus.check");
    const input = harness.input("prometheus.check", given(more));
    const budget = { typicalSeconds: 1, warnSeconds: 5, failSeconds: 30 };
    const context = { ...harness.context, budget, progress: () => {}, launched: async () => {} };
    return action.verify(context, input, null, null);
  };

  test("waits until the figure is within the limit", async () => {
    let asked = 0;
    prometheus.finds(() => ({ scalar: ++asked < 3 ? "0.4" : "0.001" }));
    expect((await verify({ waitSeconds: 20 })).says).toBe("Errors of the API is 0.001; < 0.05 holds.");
    expect(asked).toBe(3);
  });

  test("says what was found last where it never is", async () => {
    prometheus.finds({ vector: [] });
    await expect(verify({ waitSeconds: 0 })).rejects.toThrow("it has no data for this query");
  });

  test("expects nothing of a preflight while the step that brings it about is to come", async () => {
    prometheus.finds({ scalar: "0.9" });
    const { checks } = await actionHarness({}).look("prometheus.check", given({ after: "switch" }));
    expect(checks).toMatchObject([{ id: "evidence.metric.within", ok: false, madeSoBy: { steps: ["switch"] } }]);
  });
});

describe("what is written wrong", () => {
  const wrong = (more: object) => {
    const parsed = actionHarness({}).action("prometheus.check").input.safeParse(given(more));
    return parsed.success ? null : parsed.error.issues[0]?.path.join(".");
  };

  test.each<[object, string | null]>([
    [{}, null],
    [{ query: "" }, "query"],
    [{ limit: "0.05" }, "limit"],
    [{ is: "==" }, "is"],
    [{ prometheus: { url: "prometheus:9090" } }, "prometheus.url"],
    [{ prometheus: { url: "http://127.0.0.1:9090/" } }, "prometheus.url"],
    [
      { prometheus: { url: "http://127.0.0.1:9090", tokenFrom: "A", login: { user: "a", passwordFrom: "B" } } },
      "prometheus",
    ],
    [{ timeoutSeconds: 61 }, "timeoutSeconds"],
    [{ unit: "%" }, ""],
  ])("%j: at %s", (more, path) => {
    expect(wrong(more)).toBe(path);
  });
});
