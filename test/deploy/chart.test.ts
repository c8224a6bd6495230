import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { configurationTable } from "../../src/config.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { describeWith } from "../support/describe-with.ts";

/**
 * The chart as Helm itself renders it, and its objects by the API descriptions of the oldest Kubernetes it claims, of one
 * between and of a new one. Nothing is installed: there is no cluster here.
 */
const VERSIONS = ["1.27", "1.31", "1.36"];
const root = projectRoot();
const chart = join(root, "deploy/helm/lifeboat");
const run = promisify(execFile);
const describe = await describeWith(
  ["helm", "kubernetes-validate"],
  ["python3-venv, and the packages of .ci/peers.txt"],
);

interface Container {
  readonly name: string;
  readonly command?: string[];
  readonly env: { name: string; value: string }[];
  readonly envFrom: { secretRef: { name: string } }[];
  readonly ports?: { name: string; containerPort: number }[];
  readonly securityContext: Record<string, unknown>;
  readonly volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  readonly livenessProbe?: { httpGet: { path: string } };
  readonly readinessProbe?: { httpGet: { path: string } };
}

interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext: Record<string, unknown>;
  readonly containers: Container[];
  readonly volumes: { name: string; configMap?: { items?: { key: string; path: string }[] } }[];
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { name: string };
  readonly data?: Record<string, string>;
  readonly spec: Record<string, unknown> & { template: { spec: PodSpec } };
}

async function helm(...args: string[]): Promise<string> {
  const { stdout } = await run("helm", args);
  return stdout;
}

async function render(...args: string[]): Promise<Rendered[]> {
  const text = await helm("template", "night", chart, "--namespace", "ops", ...args);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object): object is Rendered => object !== null);
}

const refusal = (...args: string[]) =>
  helm("template", "night", chart, ...args).then(
    () => "rendered",
    (error: { stderr: string }) => error.stderr,
  );

function one(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  expect(found).toHaveLength(1);
  return found[0] as Rendered;
}

const podOf = (objects: readonly Rendered[], kind: string) => one(objects, kind).spec.template.spec;
const containerOf = (objects: readonly Rendered[], kind: string) => podOf(objects, kind).containers[0] as Container;

describe("the Helm chart", () => {
  const values = ["socket-mode", "everything"].map((name) => join(chart, "ci", `${name}.yaml`));
  const [socketMode = "", everything = ""] = values;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-chart-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(values)("%s: Helm finds nothing to say, and every object is one of the API's", async (file) => {
    expect(await helm("lint", "--strict", chart, "--values", file)).toMatch(/1 chart\(s\) linted, 0 chart\(s\) failed/);
    const rendered = join(folder, "rendered.yaml");
    await writeFile(rendered, await helm("template", "night", chart, "--values", file));
    for (const version of VERSIONS) {
      const { stdout } = await run("kubernetes-validate", ["--strict", "--kubernetes-version", version, rendered]);
      const lines = stdout.split("\n").filter((line) => line !== "" && !/ passed for resource /.test(line));
      // The Prometheus operator's, of which the API knows nothing.
      expect(lines.filter((line) => !/Couldn't find schema for kind PodMonitor/.test(line))).toEqual([]);
    }
  });

  test("the validator would see a mistake", async () => {
    const wrong = join(folder, "wrong.yaml");
    const text = await helm("template", "night", chart);
    await writeFile(wrong, text.replace("podManagementPolicy", "podManagmentPolicy"));
    await expect(run("kubernetes-validate", ["--strict", wrong])).rejects.toThrow();
  });

  test("every variable it sets is a setting the bot reads", async () => {
    const settings = new Set([...configurationTable().matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name));
    const objects = await render("--values", everything);
    for (const kind of ["StatefulSet", "Job"])
      for (const { name } of containerOf(objects, kind).env)
        expect([kind, name, settings.has(name)]).toEqual([kind, name, true]);
  });

  test("only the migration holds the owner's login", async () => {
    const objects = await render();
    const secretsOf = (kind: string) => containerOf(objects, kind).envFrom.map(({ secretRef }) => secretRef.name);
    expect(secretsOf("StatefulSet")).toEqual(["lifeboat"]);
    expect(secretsOf("Job")).toEqual(["lifeboat", "lifeboat-owner"]);
    expect(JSON.stringify(objects.filter(({ kind }) => kind !== "Job"))).not.toMatch(/owner/i);
  });

  test.each(["StatefulSet", "Job"])(
    "%s: no root, no rights to gain, nothing written outside its volumes",
    async (kind) => {
      const objects = await render("--values", everything);
      expect(podOf(objects, kind).securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect(containerOf(objects, kind).securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    },
  );

  test("it runs the image as the Dockerfile makes it: its user, its node, its folders", async () => {
    const dockerfile = await readFile(join(root, "Dockerfile"), "utf8");
    const objects = await render();
    const [program, file] = containerOf(objects, "Job").command ?? [];
    expect(dockerfile).toContain(`/usr/local/bin/${program}`);
    expect(dockerfile).toContain('dist/src/main.js"]');
    expect(file).toBe("dist/src/cli.js");
    const { volumeMounts } = containerOf(objects, "StatefulSet");
    const [, state = ""] = /LIFEBOAT_STATE=(\S+)/.exec(dockerfile) ?? [];
    const [, data = ""] = /LIFEBOAT_DATA=(\S+)/.exec(dockerfile) ?? [];
    expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual([state, "/tmp"]);
    expect(data.startsWith("/tmp/")).toBe(true);
  });

  test("a pod is given the time its bot takes to drain, and 15 s", async () => {
    const objects = await render("--set", "drainSeconds=600");
    expect(podOf(objects, "StatefulSet").terminationGracePeriodSeconds).toBe(615);
    const { env } = containerOf(objects, "StatefulSet");
    expect(env.find(({ name }) => name === "LIFEBOAT_DRAIN_SECONDS")?.value).toBe("600");
  });

  test("with Socket Mode nothing is let in, and nothing is served but health", async () => {
    const objects = await render("--values", socketMode);
    expect(one(objects, "NetworkPolicy").spec.ingress).toEqual([]);
    expect(containerOf(objects, "StatefulSet").ports).toEqual([{ name: "health", containerPort: 8080 }]);
    expect(objects.filter(({ kind }) => kind === "Ingress")).toEqual([]);
    expect(objects.filter(({ kind }) => kind === "Service").map(({ spec }) => spec.clusterIP)).toEqual(["None"]);
  });

  test("what is switched on is served at the paths its senders are given", async () => {
    const [rule] = one(await render("--values", everything), "Ingress").spec.rules as {
      http: { paths: { path: string }[] };
    }[];
    expect(rule?.http.paths.map(({ path }) => path)).toEqual(["/slack/events", "/pagerduty/webhook", "/alerts", "/"]);
  });

  test("the status page and alerts are served while no bot is ready, and only a bot that hangs is restarted", async () => {
    const objects = await render("--values", everything);
    const services = objects.filter(({ kind }) => kind === "Service");
    expect(services.map(({ spec }) => spec.publishNotReadyAddresses)).toEqual([true, true]);
    const { livenessProbe, readinessProbe } = containerOf(objects, "StatefulSet");
    expect([livenessProbe?.httpGet.path, readinessProbe?.httpGet.path]).toEqual(["/live", "/ready"]);
  });

  test("a large number stays the number it is, and a release may have a dot in its name", async () => {
    const values = join(folder, "numbers.yaml");
    await writeFile(values, "settings: { LIFEBOAT_A: 123456789012, LIFEBOAT_B: 1.5, LIFEBOAT_C: true, LIFEBOAT_D: 0 }");
    const { env } = containerOf(await render("--values", values), "StatefulSet");
    expect(env.slice(-4).map(({ value }) => value)).toEqual(["123456789012", "1.5", "true", "0"]);
    const text = await helm("template", "a.b", chart);
    const names = parseAllDocuments(text).map((document) => (document.toJS() as Rendered).metadata.name);
    expect(names.filter((name) => name.includes("."))).toEqual([]);
  });

  test("files of systems arrive at their paths", async () => {
    const objects = await render("--values", everything);
    const { data = {} } = one(objects, "ConfigMap", "night-lifeboat-systems");
    const volume = podOf(objects, "StatefulSet").volumes.find(({ name }) => name === "systems");
    const arrived = Object.fromEntries((volume?.configMap?.items ?? []).map(({ key, path }) => [path, data[key]]));
    expect(arrived).toEqual({
      "orders/system.yml": "name: orders\n",
      "orders/runbooks/failover.yml": "name: failover\n",
    });
  });

  test("two replicas are kept apart, and one always stays; a single one may be moved", async () => {
    const two = await render();
    expect(one(two, "StatefulSet").spec.replicas).toBe(2);
    expect(one(two, "PodDisruptionBudget").spec).toMatchObject({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
    const single = await render("--set", "replicas=1");
    expect(single.filter(({ kind }) => kind === "PodDisruptionBudget")).toEqual([]);
  });

  test.each([
    ["a value that does not exist", ["--set", "public.statuspaeg=true"], /statuspaeg/],
    ["a secret among the settings", ["--set", "settings.SLACK_BOT_TOKEN=xoxb-1"], /SLACK_BOT_TOKEN/],
    [
      "the owner's login among the settings",
      ["--set", "settings.DATABASE_OWNER_URL=postgres://x"],
      /DATABASE_OWNER_URL/,
    ],
    ["a script in a ConfigMap", ["--set-string", "systems.files.orders/scripts/stop\\.sh=x"], /stop\.sh/],
    ["an ingress without anything to serve", ["--set", "ingress.enabled=true"], /nothing is served/],
    [
      "an ingress without TLS",
      ["--set", "ingress.enabled=true", "--set", "public.statusPage=true"],
      /ingress\.tlsSecret: Slack and PagerDuty speak TLS only/,
    ],
    [
      "one port for what is internal and what isn't",
      ["--set", "public.port=8080,public.slack=true"],
      /health\.port is the same/,
    ],
    ["a label the replicas are found by", ["--set-string", "podLabels.app\\.kubernetes\\.io/name=x"], /podLabels/],
    ["a name Kubernetes would refuse once the store is migrated", ["--set", "secrets.bot=My_Secret"], /secrets\.bot/],
    ["an account that is not named", ["--set", "serviceAccount.create=false"], /serviceAccount\.name/],
  ])("%s is refused", async (_, args, says) => {
    expect(await refusal(...args)).toMatch(says);
  });
});
