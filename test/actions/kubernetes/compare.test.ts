import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { certificateOf } from "../../support/certificate.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import {
  deployment,
  type KubernetesFixture,
  NAMESPACE,
  openKubernetesFixture,
} from "../../support/kubernetes-fixture.ts";

holdPermissions(["kubernetes.compare"]);

/** Given two clusters; when the one that stands by is held against the one that serves; then what would keep it from serving is named. */
let fixture: KubernetesFixture;
beforeEach(async () => {
  fixture = await openKubernetesFixture();
});
afterEach(() => fixture.close());

const POD = { cpu: "500m", memory: "256Mi" };

/** `api`, which asks for something and names a secret and a ConfigMap. */
function api(replicas: number, image = "api:1") {
  const made = deployment("api", replicas, { image });
  const [container] = made.spec.template.spec.containers;
  const named = {
    resources: { requests: POD },
    envFrom: [
      { configMapRef: { name: "settings" } },
      { secretRef: { name: "front-tls" } },
      { secretRef: { name: "extra", optional: true } },
    ],
  };
  const spec = { ...made.spec.template.spec, containers: [{ ...container, ...named }] };
  return { ...made, spec: { ...made.spec, template: { ...made.spec.template, spec } } };
}

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
function secret(days: number) {
  const end = new Date(Date.now() + days * 86_400_000);
  const pem = certificateOf(keys, new Date("2026-01-01T00:00:00Z"), end);
  return {
    metadata: { name: "front-tls" },
    type: "kubernetes.io/tls",
    data: { "tls.crt": Buffer.from(pem).toString("base64") },
  };
}

function equipped(days = 90, image = "api:1"): void {
  fixture.primary.put("deployments", NAMESPACE, api(3));
  fixture.dr.put("deployments", NAMESPACE, api(0, image));
  fixture.dr.put("secrets", NAMESPACE, secret(days));
  fixture.dr.put("configmaps", NAMESPACE, { metadata: { name: "settings" }, data: {} });
}

async function faults(more: object = {}) {
  const given = { from: fixture.target, to: fixture.drTarget, workloads: ["deployment/api"], ...more };
  const { checks } = await fixture.harness().look("kubernetes.compare", given);
  return checks.filter(({ ok }) => !ok).map(({ id, level, says }) => ({ id, level, says }));
}

describe("a cluster that stands by", () => {
  test("that has all of it is no one's business", async () => {
    equipped();
    expect(await faults()).toEqual([]);
  });

  test("with another image is named with both", async () => {
    equipped(90, "api:0");
    expect(await faults()).toEqual([
      { id: "images.equal", level: "block", says: "deployment/api is api:1 in primary and api:0 in dr." },
    ]);
  });

  test("without the workload, its secret and its ConfigMap is named by them", async () => {
    equipped();
    fixture.dr.remove("secrets", NAMESPACE, "front-tls");
    fixture.dr.remove("configmaps", NAMESPACE, "settings");
    expect(await faults()).toMatchObject([{ says: "dr has no ConfigMap settings, no Secret front-tls." }]);
    fixture.dr.remove("deployments", NAMESPACE, "api");
    expect(await faults()).toMatchObject([{ id: "images.equal", says: "dr has no deployment/api." }]);
  });

  test("whose certificate ends soon is named by the day, as far ahead as is asked", async () => {
    equipped(20);
    expect(await faults()).toEqual([]);
    expect(await faults({ certificateDays: 30 })).toEqual([
      {
        id: "certificates.last",
        level: "block",
        says: expect.stringMatching(/^Certificates in dr end: front-tls on \d{4}-/),
      },
    ]);
  });

  test("with a quota that leaves less than all pods need has no room", async () => {
    equipped();
    const hard = { pods: "2", "requests.memory": "1Gi" };
    fixture.dr.put("resourcequotas", NAMESPACE, { metadata: { name: "small" }, spec: { hard } });
    expect(await faults()).toEqual([
      { id: "room", level: "block", says: "dr has no room: its quota leaves 2 pods, and 3 pods are needed." },
    ]);
  });

  test("is looked at by itself while the other one is gone", async () => {
    equipped();
    fixture.primary.faults.throw({ kind: "down" });
    expect(await faults()).toEqual([
      { id: "images.equal", level: "warn", says: "primary does not answer, so images can't be compared." },
    ]);
  });
});
