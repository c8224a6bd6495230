import { afterEach, describe, expect, test } from "@jest/globals";
import { createAws } from "../../practice/targets/aws/index.ts";
import { createCluster, kubeconfigOf } from "../../practice/targets/kubernetes/index.ts";
import { createS3 } from "../../practice/targets/s3/index.ts";
import { createSearch } from "../../practice/targets/search/index.ts";
import { holdTheWire } from "../support/held.ts";
import { deployment } from "../support/kubernetes-fixture.ts";
import { openChanges } from "./changes.ts";
import { hold } from "./hold.ts";
import { targetNamed } from "./targets.ts";

holdTheWire();

const before = process.env.AWS_ENDPOINT_URL;
afterEach(() => {
  if (before === undefined) delete process.env.AWS_ENDPOINT_URL;
  else process.env.AWS_ENDPOINT_URL = before;
});

async function held(id: string, environment: Record<string, string>, mayChange: string) {
  const lines: string[] = [];
  const given = { ...environment, LIVE_PRACTICE: "1" };
  const all = await hold(targetNamed(id), given, mayChange, (line) => lines.push(line), { changes: openChanges() });
  return { failed: all.filter(({ ok }) => ok !== true).length, text: lines.join("\n") };
}

describe("s3 on someone's staging", () => {
  const objects = async (work: (stand: Awaited<ReturnType<typeof createS3>>) => Promise<void>) => {
    const stand = await createS3();
    try {
      for (const name of ["from", "to"]) stand.store.add(`contract-${name}`, "us-east-1");
      await work(stand);
    } finally {
      await stand.close();
    }
  };
  const settings = (url: string) => ({
    S3_SOURCE: "contract-from",
    S3_ENDPOINT: url,
    S3_CREDENTIALS: "PRACTICE:practice",
  });

  test("an older object of a key is not overwritten, and what was copied is gone afterwards", () =>
    objects(async ({ url, store }) => {
      store.put("contract-from", "a", "new");
      store.put("contract-to", "a", "old and theirs", { at: new Date(0) });
      store.put("contract-to", "b", "theirs");
      const refused = await held("s3", settings(url), "contract-to");
      expect(refused.text).toContain("contract-to holds a already");
      const there = store.buckets.get("contract-to")?.objects;
      expect(there?.get("a")?.body.toString()).toBe("old and theirs");
      there?.delete("a");
      expect(await held("s3", settings(url), "contract-to")).toMatchObject({ failed: 0 });
      expect([...(there?.keys() ?? [])]).toEqual(["b"]);
    }));

  test("an empty bucket proves nothing", () =>
    objects(async ({ url }) => {
      expect((await held("s3", settings(url), "contract-to")).text).toContain("is empty: that proves nothing");
    }));
});

test("aws: a TXT record of several values has them again, each by itself, also after a failure", async () => {
  const stand = await createAws({ scale: 0.003 });
  process.env.AWS_ENDPOINT_URL = stand.url;
  try {
    const values = ['"v=spf1 -all"', '"site-verification=abc"'];
    const records = [{ name: "contract.shop.test", type: "TXT", ttl: 30, values }];
    const zone = { id: "Z0PRACTICE", records, served: records, protections: [], busyUntil: 0 };
    stand.state.zones.set(zone.id, zone);
    const settings = { LIVE_AWS_ACCOUNT: stand.state.account, AWS_ENDPOINT_URL: stand.url };
    expect(await held("aws", settings, "Z0PRACTICE/contract.shop.test")).toMatchObject({ failed: 0 });
    expect(zone.records[0]?.values).toEqual(values);
    // Its answer is lost, so no one knows whether it says something else now.
    stand.faults.next("ChangeResourceRecordSets", "dropAfter");
    const { failed, text } = await held("aws", settings, "Z0PRACTICE/contract.shop.test");
    expect([failed, text.includes("Put back after all")]).toEqual([1, true]);
    expect(zone.records[0]?.values).toEqual(values);
  } finally {
    await stand.close();
  }
});

describe("an empty stage proves nothing, and nothing is asked of it", () => {
  test("search: an index without documents", async () => {
    const stand = await createSearch({ clusters: ["contract"] });
    try {
      const { url, state, login, addIndex } = stand.cluster("contract");
      addIndex("packages", []);
      const environment = { OPENSEARCH_URL: url, SEARCH_CLUSTER_UUID: state.uuid, SEARCH_INDEX: "packages" };
      const { text } = await held("search", { ...environment, SEARCH_PASSWORD: login.password }, "backups");
      expect(text).toContain("packages holds no document: that proves nothing");
      expect(stand.repository.snapshots.size).toBe(0);
    } finally {
      await stand.close();
    }
  });

  test("velero: a namespace without workloads; kubernetes: a deployment without pods", async () => {
    const cluster = await createCluster({ name: "contract", pace: { timeScale: 400 } });
    try {
      cluster.put("backupstoragelocations", "velero", { metadata: { name: "it" }, status: { phase: "Available" } });
      cluster.put("namespaces", undefined, { metadata: { name: "shop" } });
      const to = { KUBECONFIG: kubeconfigOf([cluster]), KUBE_CONTEXT: cluster.name, KUBE_CLUSTER_UID: cluster.uid };
      const velero = await held("velero", { ...to, VELERO_NAMESPACE: "velero" }, "shop");
      expect(velero.text).toContain("shop has no workload: that proves nothing");
      cluster.put("deployments", "shop", deployment("contract", 0));
      const kubernetes = await held("kubernetes", { ...to, KUBE_NAMESPACE: "shop" }, "deployment/contract");
      expect(kubernetes.text.match(/deployment\/contract has 0 replicas: that proves nothing/g)).toHaveLength(2);
      expect(cluster.list("backups", "velero")).toHaveLength(0);
    } finally {
      await cluster.close();
    }
  });
});
