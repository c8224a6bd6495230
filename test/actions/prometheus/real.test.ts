import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Answer, createPrometheus, type Prometheus } from "../../../practice/targets/prometheus/index.ts";
import { freePort } from "../../../src/lib/port.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { soon } from "../../support/database-fixture.ts";
import { describeWith } from "../../support/describe-with.ts";

const describe = await describeWith(["prometheus"], ["prometheus"]);

describe("the Prometheus of Debian", () => {
  let folder: string;
  let real: ChildProcess;
  let url: string;
  let standIn: Prometheus;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-prometheus-"));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await writeFile(join(folder, "prometheus.yml"), "scrape_configs: []\n");
    const options = [`--config.file=${join(folder, "prometheus.yml")}`, `--storage.tsdb.path=${join(folder, "data")}`];
    real = spawn("prometheus", [...options, `--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
    await soon("Prometheus being ready", async () =>
      fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(1000) }).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    standIn = await createPrometheus();
  }, 60_000);
  afterAll(async () => {
    real?.kill("SIGKILL");
    await standIn?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const looked = async (at: string, query: string) => {
    const rule = { is: "<", limit: 0.05, timeoutSeconds: 5 };
    const given = { prometheus: { url: at }, measures: "Errors", query, ...rule };
    const { checks, facts } = await actionHarness({}).look("prometheus.check", given);
    return { ok: checks[0]?.ok, says: checks[0]?.says, value: facts.value };
  };
  const series = (job: string, value: string) => `label_replace(vector(${value}), "job", "${job}", "", "")`;

  test.each<[string, string, Answer]>([
    ["a number", "scalar(vector(0.01))", { scalar: "0.01" }],
    ["one series", "vector(0.2)", { vector: [[{}, "0.2"]] }],
    [
      "several series",
      `${series("api", "0.01")} or ${series("web", "0.07")}`,
      {
        vector: [
          [{ job: "api" }, "0.01"],
          [{ job: "web" }, "0.07"],
        ],
      },
    ],
    ["no limit at all", "vector(1) / 0", { vector: [[{}, "+Inf"]] }],
    ["nothing to divide by", "vector(0) / 0", { vector: [[{}, "NaN"]] }],
    ["no data", "no_such_metric", { vector: [] }],
    ["a range", "no_such_metric[5m]", { matrix: [] }],
    ["a text", '"up"', { string: "up" }],
    [
      "a query it can't read",
      "sum(",
      { error: "bad_data", says: 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis' },
    ],
    [
      "a query it can't execute",
      'label_replace(vector(1), "a", "b", "c", "(")',
      { error: "execution", says: "invalid regular expression in label_replace(): (" },
    ],
  ])("%s is read as from the stand-in", async (_what, query, answer) => {
    standIn.finds(answer);
    expect(await looked(url, query)).toEqual(await looked(standIn.url, query));
  });
});
