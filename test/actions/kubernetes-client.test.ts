import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { COVERED, type Covered } from "../../practice/targets/kubernetes/coverage.ts";
import { kubeconfigOf } from "../../practice/targets/kubernetes/index.ts";
import { jobOf } from "../../src/actions/kubernetes/fault.ts";
import { openCluster } from "../../src/actions/kubernetes-client.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { soon } from "../support/database-fixture.ts";
import { holdPermissions } from "../support/hold-permissions.ts";
import {
  deployment,
  type KubernetesFixture,
  NAMESPACE,
  openKubernetesFixture,
  widgetDefinition,
} from "../support/kubernetes-fixture.ts";

holdPermissions(["kubernetes.check", "kubernetes.restart"]);

let fixture: KubernetesFixture;
beforeAll(async () => {
  fixture = await openKubernetesFixture();
});
afterAll(() => fixture.close());
afterEach(() => {
  fixture.primary.faults.clear();
  fixture.primary.denied.clear();
});

const apps = `/apis/apps/v1/namespaces/${NAMESPACE}`;
const core = `/api/v1/namespaces/${NAMESPACE}`;
const open = () => openCluster(asAdmin().context, fixture.target);
const asAdmin = () => actionHarness({ KUBECONFIG_SHOP: kubeconfigOf([fixture.primary]) });
const refusedWith = (status: number, text = "") => ({ status, problem: { what: expect.stringContaining(text) } });

describe("the plan's cluster and no other", () => {
  const blocked = async (given: object, environment?: Record<string, string>, practice = true) => {
    const harness = environment ? actionHarness(environment, { practice }) : fixture.harness();
    const looked = await harness.look("kubernetes.check", { cluster: { ...fixture.target, ...given } });
    return { ids: blockedBy(looked.checks), says: looked.checks.map(({ says }) => says).join(" ") };
  };

  test("a context that leads to another cluster is refused, and nothing but its name is asked", async () => {
    fixture.dr.forget();
    const { ids, says } = await blocked({ context: "dr" });
    expect(ids).toEqual(["cluster.answers"]);
    expect(says).toContain(`leads to cluster ${fixture.dr.uid}, and the plan is for ${fixture.primary.uid}`);
    expect(fixture.dr.ledger.map(({ path }) => path)).toEqual(["/api/v1/namespaces/kube-system"]);
  });

  test("every request says who it comes from: what is written belongs to lifeboat", async () => {
    fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "ours" }, data: {} });
    fixture.primary.forget();
    const cluster = await open();
    await cluster.patch(`${core}/configmaps/ours`, "merge", { data: { key: "1" } });
    expect(fixture.primary.writes()).toHaveLength(1);
    expect(new Set(fixture.primary.ledger.map(({ agent }) => agent))).toEqual(new Set(["lifeboat"]));
  });

  test("an unknown context, an unreadable kubeconfig and a program that logs in are refused by name", async () => {
    expect((await blocked({ context: "nowhere" })).says).toContain('no context "nowhere"');
    const broken = await blocked({}, { KUBECONFIG_SHOP: "{ token: hidden" });
    expect(broken.says).toContain("KUBECONFIG_SHOP holds no kubeconfig");
    expect(broken.says).not.toContain("hidden");
    const config = JSON.parse(kubeconfigOf([fixture.primary]));
    config.users[0].user = { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "aws" } };
    expect((await blocked({}, { KUBECONFIG_SHOP: JSON.stringify(config) })).says).toContain("may not run a program");
  });

  test("a program that logs in runs once until what it gave expires; one that fails is said", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-login-"));
    const runs = async () => (await readFile(join(folder, "runs"), "utf8")).length;
    const login = async (name: string, script: string) => {
      const command = join(folder, name);
      await writeFile(command, `#!/bin/sh\nprintf x >> ${folder}/runs\n${script}\n`, { mode: 0o755 });
      // A port no one listens on: logging in comes before anything is asked of it.
      const config = JSON.parse(kubeconfigOf([{ ...fixture.primary, url: "https://127.0.0.1:1" }]));
      config.users[0].user = { exec: { apiVersion: "client.authentication.k8s.io/v1", command, args: [] } };
      return { KUBECONFIG_SHOP: JSON.stringify(config) };
    };
    try {
      const status = { token: "t", expirationTimestamp: new Date(Date.now() + 600_000).toISOString() };
      const works = await login("works", `echo '${JSON.stringify({ kind: "ExecCredential", status })}'`);
      for (let n = 0; n < 3; n++) expect((await blocked({}, works, false)).says).toContain("does not answer");
      expect(await runs()).toBe(1);
      const fails = await login("fails", "echo 'Unable to locate credentials' >&2; exit 1");
      expect((await blocked({}, fails, false)).says).toContain(
        "which the kubeconfig logs in with, failed (Unable to locate credentials)",
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("plain HTTP is for practice, and practice stays on this machine", async () => {
    const KUBECONFIG_SHOP = kubeconfigOf([fixture.primary]);
    expect((await blocked({}, { KUBECONFIG_SHOP }, false)).says).toContain("Only https://");
    const far = kubeconfigOf([{ ...fixture.primary, url: "https://192.0.2.1:6443" }]);
    expect((await blocked({}, { KUBECONFIG_SHOP: far })).says).toContain("not an address of this machine");
    expect((await blocked({}, { KUBECONFIG_SHOP: far }, false)).says).toContain("insecure-skip-tls-verify");
  });

  test("silence may be a finding that later steps depend on; a refused login and another cluster never are", async () => {
    const KUBECONFIG_SHOP = kubeconfigOf([{ ...fixture.primary, token: "wrong" }]);
    const found = async (given: object, environment?: Record<string, string>) => {
      const harness = environment ? actionHarness(environment, { practice: true }) : fixture.harness();
      const { checks } = await harness.look("kubernetes.check", {
        ...{ cluster: { ...fixture.target, ...given }, required: false },
      });
      return blockedBy(checks);
    };
    expect(await found({}, { KUBECONFIG_SHOP })).toEqual(["cluster.answers"]);
    expect(await found({ context: "dr" })).toEqual(["cluster.answers"]);
    fixture.primary.faults.throw({ kind: "down" });
    expect(await found({})).toEqual([]);
    const given = { cluster: fixture.target, required: false };
    const { evidence } = await fixture.harness().perform("left", "kubernetes.check", given);
    expect(evidence.facts).toContainEqual(expect.objectContaining({ id: "clusterAnswers", value: false }));
  });

  test("a login that is refused, and a right that is missing, are said as such", async () => {
    const KUBECONFIG_SHOP = kubeconfigOf([{ ...fixture.primary, token: "wrong" }]);
    expect((await blocked({}, { KUBECONFIG_SHOP })).says).toContain("did not let us in");
    fixture.primary.denied.add("list nodes");
    expect((await blocked({})).ids).toEqual(["cluster.answers"]);
    fixture.primary.denied.clear();
    fixture.primary.denied.add("patch nodes");
    const looked = await fixture.harness().look("kubernetes.cordon", { cluster: fixture.target, node: "node-1" });
    expect(blockedBy(looked.checks)).toEqual(["cluster.permitted"]);
    expect(looked.checks.find(({ id }) => id === "cluster.permitted")).toMatchObject({
      says: expect.stringContaining("may not patch nodes node-1."),
      next: expect.stringMatching(/^Grant it/),
    });
  });

  test("a server that accepts and says nothing costs five seconds, and is an observation", async () => {
    fixture.primary.faults.throw({ kind: "hang" });
    const since = performance.now();
    expect((await blocked({})).says).toContain("does not answer");
    expect(performance.now() - since).toBeLessThan(7_000);
  }, 10_000);

  test("a read waits out a 429", async () => {
    fixture.primary.faults.throw({ kind: "throttle", times: 2 });
    expect((await blocked({})).ids).toEqual([]);
  });
});

/** One proof for each line of the stand-in's own list; the compiler misses none. */
const PROOFS: Record<Covered, () => Promise<void>> = {
  "401 without the bearer token": async () => {
    const answer = await fetch(`${fixture.primary.url}/version`);
    expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([401, "Unauthorized"]);
  },
  "404 as a Status with reason NotFound": async () => {
    await expect((await open()).get(`${apps}/deployments/none`)).rejects.toMatchObject(
      refusedWith(404, 'deployments "none" not found'),
    );
  },
  "409 AlreadyExists for a name that is taken": async () => {
    const cluster = await open();
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "taken" }, data: {} };
    await cluster.create(`${core}/configmaps`, body);
    await expect(cluster.create(`${core}/configmaps`, body)).rejects.toMatchObject(refusedWith(409, "already exists"));
  },
  "409 Conflict for a stale resource version": async () => {
    fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "stale" }, data: {} });
    const patch = (await open()).patch(`${core}/configmaps/stale`, "merge", { metadata: { resourceVersion: "1" } });
    await expect(patch).rejects.toMatchObject(refusedWith(409, "has been modified"));
  },
  "415 for an unknown patch type": async () => {
    const patch = (await open()).patch("/api/v1/nodes/node-1", "other" as "merge", {});
    await expect(patch).rejects.toMatchObject(refusedWith(415));
  },
  "422 for a JSON patch whose test fails": async () => {
    const ops = [{ op: "test", path: "/metadata/name", value: "node-9" }];
    await expect((await open()).patch("/api/v1/nodes/node-1", "json", ops)).rejects.toMatchObject(refusedWith(422));
  },
  "dryRun=All shows the result and keeps nothing": async () => {
    const seen = await (await open()).patch<{ spec: object }>(
      "/api/v1/nodes/node-1",
      "merge",
      { spec: { unschedulable: true } },
      { dryRun: "All" },
    );
    expect(seen.spec).toEqual({ unschedulable: true });
    expect(fixture.primary.get("nodes", undefined, "node-1")?.spec).toEqual({});
  },
  "generation moves with the spec, and observedGeneration follows": async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("gen", 0));
    const labelled = { metadata: { labels: { a: "b" } } };
    const one = await (await open()).patch<{ metadata: { generation: number } }>(
      `${apps}/deployments/gen`,
      "merge",
      labelled,
    );
    expect(one.metadata.generation).toBe(1);
    await (await open()).patch(`${apps}/deployments/gen`, "merge", { spec: { replicas: 1 } });
    await soon(
      "it being observed",
      async () => fixture.primary.get("deployments", NAMESPACE, "gen")?.status?.observedGeneration === 2,
    );
  },
  "label selectors: =, !=, in, notin, exists, not exists": async () => {
    for (const [name, tier] of [
      ["s1", "a"],
      ["s2", "b"],
    ] as const) {
      fixture.primary.put("services", NAMESPACE, { metadata: { name, labels: { set: "sel", tier } }, spec: {} });
    }
    const cluster = await open();
    const names = async (labelSelector: string) =>
      (
        await cluster.list<{ metadata: { name: string } }>(`${core}/services`, {
          labelSelector: `set=sel,${labelSelector}`,
        })
      ).map(({ metadata }) => metadata.name);
    expect(await names("tier=a")).toEqual(["s1"]);
    expect(await names("tier!=a")).toEqual(["s2"]);
    expect(await names("tier in (a,b)")).toEqual(["s1", "s2"]);
    expect(await names("tier notin (a)")).toEqual(["s2"]);
    expect(await names("tier")).toEqual(["s1", "s2"]);
    expect(await names("!tier")).toEqual([]);
  },
  "the scale subresource": async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("scaled", 0));
    const cluster = await open();
    await cluster.patch(`${apps}/deployments/scaled/scale`, "merge", { spec: { replicas: 2 } });
    expect(await cluster.get(`${apps}/deployments/scaled/scale`)).toMatchObject({
      kind: "Scale",
      spec: { replicas: 2 },
    });
  },
  "eviction against a disruption budget": async () => {
    const [pod] = await running("guarded", 1);
    fixture.primary.put("poddisruptionbudgets", NAMESPACE, {
      metadata: { name: "guarded" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "guarded" } } },
    });
    const evict = async (uid?: string) =>
      (await open()).create(`${core}/pods/${pod?.metadata.name}/eviction`, {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name: pod?.metadata.name },
        deleteOptions: { preconditions: { uid } },
      });
    await expect(evict("other")).rejects.toMatchObject(refusedWith(409, "Precondition"));
    await expect(evict(pod?.metadata.uid)).rejects.toMatchObject({ status: 429, causes: ["DisruptionBudget"] });
    fixture.primary.remove("poddisruptionbudgets", NAMESPACE, "guarded");
    await evict(pod?.metadata.uid);
  },
  "the proxy of a service reaches a real pod": async () => {
    const [pod] = await running("proxied", 1);
    fixture.primary.put("services", NAMESPACE, {
      metadata: { name: "proxied" },
      spec: { selector: { app: "proxied" } },
    });
    const answer = await (await open()).get(`${core}/services/proxied:80/proxy/health`);
    expect(answer).toMatchObject({ status: "healthy", pod: pod?.metadata.name });
  },
  "an image that can't be pulled ends in ProgressDeadlineExceeded": async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("sick", 1, { image: "app:broken" }));
    const restarted = fixture
      .harness()
      .perform("restart", "kubernetes.restart", { cluster: fixture.target, workload: "deployment/sick" });
    await expect(restarted).rejects.toMatchObject({
      problem: { code: "rollout-failed", what: expect.stringContaining("ImagePullBackOff") },
    });
  },
  "404 for what would be made in a namespace that is not there, by a dry run too": async () => {
    const cluster = await open();
    const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "early" }, data: {} };
    const refused = refusedWith(404, 'namespaces "fresh" not found');
    await expect(cluster.create("/api/v1/namespaces/fresh/configmaps", config)).rejects.toMatchObject(refused);
    const dry = { fieldManager: "x", dryRun: "All" };
    const apply = cluster.patch("/api/v1/namespaces/fresh/configmaps/early", "apply", config, dry);
    await expect(apply).rejects.toMatchObject(refused);
  },
  "a CustomResourceDefinition makes its kind known once it is established": async () => {
    const cluster = await open();
    const widgets = "/apis/example.test/v1/widgets";
    await expect(cluster.list(widgets)).rejects.toMatchObject(refusedWith(404));
    await cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgetDefinition);
    await soon("the kind being known", async () => {
      const there = await cluster.list(widgets).catch(() => null);
      return there !== null && there.length === 0;
    });
  },
  "an autoscaler moves a count into its range, and sleeps at 0": async () => {
    await running("ranged", 1);
    fixture.primary.put("horizontalpodautoscalers", NAMESPACE, {
      metadata: { name: "ranged" },
      spec: { scaleTargetRef: { kind: "Deployment", name: "ranged" }, minReplicas: 2, maxReplicas: 3 },
    });
    const cluster = await open();
    const count = async () =>
      (await cluster.get<{ spec: { replicas: number } }>(`${apps}/deployments/ranged`)).spec.replicas;
    const to = (replicas: number) => cluster.patch(`${apps}/deployments/ranged`, "merge", { spec: { replicas } });
    await soon("its least", async () => (await count()) === 2);
    await to(9);
    await soon("its most", async () => (await count()) === 3);
    await to(0);
    const gone = async () => (await cluster.list(`${core}/pods`, { labelSelector: "app=ranged" })).length === 0;
    await soon("nothing being left of it", gone);
    expect(await count()).toBe(0);
  },
  "server-side apply refuses a field of another manager": async () => {
    const cluster = await open();
    const apply = (fieldManager: string, value: string) =>
      cluster.patch(
        `${core}/configmaps/owned`,
        "apply",
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "owned" }, data: { key: value } },
        { fieldManager },
      );
    await apply("a", "1");
    await apply("b", "1");
    await expect(apply("b", "2")).rejects.toMatchObject(refusedWith(409, "conflict"));
  },
  "discovery of what a group and version holds": async () => {
    const cluster = await open();
    const { resources } = await cluster.get<{ resources: { kind: string }[] }>("/apis/apps/v1");
    expect(resources).toContainEqual({ name: "deployments", kind: "Deployment", namespaced: true });
    await expect(cluster.get("/apis/none/v1")).rejects.toMatchObject(refusedWith(404));
  },
  "a deletion whose uid is another's is a conflict": async () => {
    const { metadata } = fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "gone" }, data: {} });
    const cluster = await open();
    await expect(cluster.remove(`${core}/configmaps/gone`, metadata.name)).rejects.toMatchObject(refusedWith(409));
    await cluster.remove(`${core}/configmaps/gone`, metadata.uid);
    await expect(cluster.get(`${core}/configmaps/gone`)).rejects.toMatchObject(refusedWith(404));
  },
  "a job with a deadline ends by it, is deleted, and what it owns goes with it": async () => {
    const cluster = await open();
    const batch = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
    const job = jobOf("timer", 120, 2, { image: "pause:3", cpu: "1m", memory: "8Mi" });
    const { metadata } = await cluster.create<{ metadata: { uid: string } }>(batch, job);
    const owner = { apiVersion: "batch/v1", kind: "Job", name: job.metadata.name, uid: metadata.uid };
    const policy = {
      metadata: { name: "owned", ownerReferences: [owner] },
      spec: { podSelector: { matchLabels: { a: "b" } } },
    };
    await cluster.create(policies, policy);
    await soon("two pods of the job", async () => podsOf("lifeboat.dev/fault", "timer").length === 2);
    await soon("all of it being gone", async () => {
      const left = [
        fixture.primary.get("jobs", NAMESPACE, job.metadata.name),
        fixture.primary.get("networkpolicies", NAMESPACE, "owned"),
      ];
      return left.every((one) => one === undefined) && podsOf("lifeboat.dev/fault", "timer").length === 0;
    });
  },
  "a policy that lets nothing in cuts a pod off": async () => {
    await running("cut", 1);
    const [address = ""] = fixture.primary.listeners(NAMESPACE, ["app", "cut"]);
    expect((await fetch(address)).status).toBe(200);
    const spec = { podSelector: { matchLabels: { app: "cut" } }, policyTypes: ["Ingress", "Egress"] };
    fixture.primary.put("networkpolicies", NAMESPACE, { metadata: { name: "cut" }, spec });
    await expect(fetch(address)).rejects.toThrow();
    fixture.primary.remove("networkpolicies", NAMESPACE, "cut");
    expect((await fetch(address)).status).toBe(200);
  },
  "400 for a name that isn't the URL's": async () => {
    const cluster = await open();
    fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "named" }, data: {} });
    const other = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" } };
    for (const kind of ["merge", "apply"] as const) {
      const patch = cluster.patch(`${core}/configmaps/named`, kind, other, { fieldManager: "x" });
      await expect(patch).rejects.toMatchObject(refusedWith(400, "does not match the name on the URL (named)"));
    }
  },
  "500 for a field of a manifest that the schema doesn't know": async () => {
    const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "spam" }, dta: {} };
    const dry = { fieldManager: "x", dryRun: "All" };
    const apply = (await open()).patch(`${core}/configmaps/spam`, "apply", config, dry);
    const says = "failed to create typed patch object (/spam; /v1, Kind=ConfigMap): .dta: field not declared in schema";
    await expect(apply).rejects.toMatchObject(refusedWith(500, says));
  },
  "items of a list don't say their kind, and a scale of 0 leaves its count out": async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("quiet", 0));
    const cluster = await open();
    const found = await cluster.list<object>(`${apps}/deployments`, { fieldSelector: "metadata.name=quiet" });
    expect(found).toHaveLength(1);
    expect(found[0]).not.toHaveProperty("kind");
    expect(await cluster.get(`${apps}/deployments/quiet/scale`)).not.toHaveProperty("spec.replicas");
    const stale = { metadata: { resourceVersion: "1" }, spec: { replicas: 1 } };
    const patch = cluster.patch(`${apps}/deployments/quiet/scale`, "merge", stale);
    await expect(patch).rejects.toMatchObject(refusedWith(409, "has been modified"));
  },
  "a pod whose CPU fits nowhere is Unschedulable": async () => {
    for (const { metadata } of fixture.primary.list("nodes"))
      fixture.primary.edit("nodes", undefined, metadata.name, (node) => {
        node.status = { ...node.status, allocatable: { cpu: "1" } };
      });
    const body = deployment("heavy", 1);
    const [container] = body.spec.template.spec.containers;
    Object.assign(container ?? {}, { resources: { requests: { cpu: "1500m" } } });
    fixture.primary.put("deployments", NAMESPACE, body);
    await soon("the scheduler saying why", async () =>
      JSON.stringify(podsOf("app", "heavy").map(({ status }) => status)).includes("Insufficient cpu"),
    );
  },
  SelfSubjectAccessReview: async () => {
    fixture.primary.denied.add("patch services");
    const given = { cluster: fixture.target, service: "front", label: "color", from: "a", to: "b" };
    const { checks } = await fixture.harness().look("kubernetes.switch_service", given);
    expect(blockedBy(checks)).toContain("cluster.permitted");
  },
  "RBAC: a service account's token may what roles say that are bound to it; a rule with names allows nothing without a name":
    async () => {
      for (const name of ["mine", "theirs"])
        fixture.primary.put("configmaps", NAMESPACE, { metadata: { name }, data: {} });
      const { context, bind } = login("reader");
      const cluster = await openCluster(context, fixture.target);
      const says = `configmaps "mine" is forbidden: User "system:serviceaccount:${NAMESPACE}:reader" cannot get resource "configmaps" in API group "" in the namespace "${NAMESPACE}"`;
      await expect(cluster.get(`${core}/configmaps/mine`)).rejects.toMatchObject(refusedWith(403, says));
      bind({ apiGroups: [""], resources: ["configmaps"], resourceNames: ["mine"], verbs: ["get", "list", "patch"] });
      await cluster.get(`${core}/configmaps/mine`);
      await expect(cluster.get(`${core}/configmaps/theirs`)).rejects.toMatchObject(refusedWith(403));
      await expect(cluster.list(`${core}/configmaps`)).rejects.toMatchObject(
        refusedWith(403, "configmaps is forbidden"),
      );
      const may = async (name?: string) => {
        const resourceAttributes = {
          verb: "patch",
          resource: "configmaps",
          namespace: NAMESPACE,
          ...(name && { name }),
        };
        const asked = { spec: { resourceAttributes } };
        const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        return (await cluster.create<{ status: { allowed: boolean } }>(path, asked)).status.allowed;
      };
      expect([await may("mine"), await may("theirs"), await may()]).toEqual([true, false, false]);
    },
};

/** A login that nothing is bound to yet, and what binds a rule to it in the namespace. */
function login(account: string) {
  fixture.primary.put("serviceaccounts", NAMESPACE, { metadata: { name: account } });
  const config = kubeconfigOf([{ ...fixture.primary, token: fixture.primary.login(NAMESPACE, account) }]);
  const { context } = actionHarness({ KUBECONFIG_SHOP: config });
  // Every action begins with a look who the cluster is.
  const system = { apiGroups: [""], resources: ["namespaces"], resourceNames: ["kube-system"], verbs: ["get"] };
  fixture.primary.put("clusterroles", undefined, { metadata: { name: account }, rules: [system] });
  const bound = (kind: string) => ({
    metadata: { name: account },
    roleRef: { kind, name: account },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: NAMESPACE }],
  });
  fixture.primary.put("clusterrolebindings", undefined, bound("ClusterRole"));
  return {
    context,
    bind(rule: object) {
      fixture.primary.put("roles", NAMESPACE, { metadata: { name: account }, rules: [rule] });
      fixture.primary.put("rolebindings", NAMESPACE, bound("Role"));
    },
  };
}
const policies = `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies`;
const podsOf = (label: string, value: string) =>
  fixture.primary.list("pods", NAMESPACE).filter(({ metadata }) => metadata.labels?.[label] === value);

async function running(name: string, count: number) {
  fixture.primary.put("deployments", NAMESPACE, deployment(name, count));
  return await soon(`${name} running`, async () => {
    const pods = fixture.primary
      .list("pods", NAMESPACE)
      .filter(({ metadata, status }) => metadata.labels?.app === name && status?.phase === "Running");
    return pods.length === count ? pods : null;
  });
}

describe("what the practice cluster covers, through the unmodified client", () => {
  test.each(COVERED)("%s", (covered) => PROOFS[covered]());
});

describe("draining", () => {
  test("waits for a budget, and goes on when the budget allows it", async () => {
    await running("steady", 2);
    fixture.primary.put("poddisruptionbudgets", NAMESPACE, {
      metadata: { name: "steady" },
      spec: { minAvailable: 2, selector: { matchLabels: { app: "steady" } } },
    });
    const harness = fixture.harness();
    const node = { cluster: fixture.target, node: "node-1" };
    await harness.perform("cordon", "kubernetes.cordon", node);
    fixture.primary.forget();
    const drained = harness.perform("drain", "kubernetes.drain", { ...node, retrySeconds: 0.05 });
    await soon("the budget's no", async () => fixture.primary.writes().some(({ code }) => code === 429));
    fixture.primary.remove("poddisruptionbudgets", NAMESPACE, "steady");
    const { evidence } = await drained;
    expect(evidence.says).toContain("node-1 is drained");
    expect(harness.progress.join(" ")).toContain("A disruption budget keeps");
    expect(fixture.primary.list("pods").filter(({ spec }) => spec?.nodeName === "node-1")).toEqual([]);
    await harness.perform("uncordon", "kubernetes.uncordon", node);
  });
});
