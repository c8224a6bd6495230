import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { actions, cards } from "../../src/actions/index.ts";
import { permissions, permissionsOf } from "../../src/actions/permissions.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Runbook, System } from "../../src/catalog/types.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { neededFor } from "../../src/permissions/collect.ts";
import { iamPolicy, statementsOf, terraformPolicy } from "../../src/permissions/iam.ts";
import { rbacManifests } from "../../src/permissions/rbac.ts";

/** `lifeboat permissions`: what a runbook may ask, as policies. That actions declare the truth is held beside their own tests. */
const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems"), cards);
const book = (name: string): [System, Runbook] => {
  const runbook = catalog.runbooks.find((one) => `${one.system}/${one.id}` === name) as Runbook;
  return [catalog.systems.find(({ id }) => id === runbook.system) as System, runbook];
};
const OF_AWS = ["arc", "cloudwatch", "rds", "route53", "s3"];
const OF_CLUSTERS = ["kubernetes", "velero"];

test("every action of AWS and of clusters declares what it asks, and no other is named", () => {
  const ids = [...actions.keys()];
  const asking = ids.filter((id) => [...OF_AWS, ...OF_CLUSTERS].includes(id.split(".")[0] ?? ""));
  expect([...permissions.keys()].toSorted()).toEqual(
    [...asking, "app.readonly", "roles.check", "roles.look"].toSorted(),
  );
  expect(ids).toEqual(expect.arrayContaining([...permissions.keys()]));
});

test.each(catalog.runbooks.map((one) => [`${one.system}/${one.id}`]))(
  "%s: every policy is well formed and least",
  async (name) => {
    const { permissions: needed } = await neededFor(...book(name));
    for (const { Action, Resource } of statementsOf(needed)) {
      for (const action of Action) expect(action).toMatch(/^[a-z0-9-]+:[A-Z][A-Za-z]+$/);
      for (const resource of Resource) expect(resource).toMatch(/^(\*|arn:aws:[^\s]+|<[A-Za-z]+>)$/);
      // Of everything is only looked.
      if (Resource.includes("*")) for (const action of Action) expect(action).toMatch(/:(Describe|Get|List)[A-Za-z]+$/);
    }
    for (const { rules = [] } of rolesOf(rbacManifests(needed, { runbook: name, group: "lifeboat" })))
      for (const { verbs, resources, apiGroups, resourceNames = [] } of rules) {
        expect([...verbs, ...resources, ...apiGroups]).not.toContain("*");
        expect(resources).not.toContain("secrets");
        for (const verb of verbs) expect(["get", "list", "patch", "create", "delete"]).toContain(verb);
        // Nothing is deleted but what a drill made itself.
        if (verbs.includes("delete")) {
          expect(resourceNames).not.toEqual([]);
          for (const one of resourceNames) expect(one).toMatch(/^lifeboat-fault-/);
        }
      }
  },
);

interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
}

function rolesOf(manifests: string): readonly Document[] {
  return parseAllDocuments(manifests).map((one) => {
    expect(one.errors).toEqual([]);
    return one.toJS() as Document;
  });
}

describe("a region failover of mimir", () => {
  const [system, runbook] = book("mimir/region-failover");
  const values = new Map([
    ["zone", "Z0EXAMPLE"],
    ["eastMediaBucket", "media-east"],
    ["westMediaBucket", "media-west"],
  ]);

  test("may change its own zone, buckets and objects, whichever way it goes", async () => {
    const { permissions: needed, missing } = await neededFor(system, runbook, values);
    expect(missing).toEqual(["eastControl", "westControl"]);
    const of = (action: string) => statementsOf(needed).find(({ Action }) => Action.includes(action))?.Resource;
    expect(of("route53:ChangeResourceRecordSets")).toEqual(["arn:aws:route53:::hostedzone/Z0EXAMPLE"]);
    expect(of("s3:DeleteObject")).toEqual([
      "arn:aws:s3:::media-east/.lifeboat/*",
      "arn:aws:s3:::media-west/.lifeboat/*",
    ]);
    const roles = rolesOf(rbacManifests(needed, { runbook: "mimir/region-failover", group: "ops" }));
    const config = roles.flatMap(({ rules = [] }) => rules).filter(({ resources }) => resources.includes("configmaps"));
    expect(config.length).toBeGreaterThan(0);
    for (const { resourceNames } of config) expect(resourceNames).toEqual(["mimir-config"]);
  });

  test("the same bytes each time, as a policy and as Terraform", async () => {
    const { permissions: needed } = await neededFor(system, runbook, values);
    const turned = needed.toReversed();
    expect(iamPolicy(turned)).toBe(iamPolicy(needed));
    expect(terraformPolicy("a/b", turned)).toBe(terraformPolicy("a/b", needed));
    const about = { runbook: "a/b", group: "lifeboat" };
    expect(rbacManifests(turned, about)).toBe(rbacManifests(needed, about));
    expect(JSON.parse(iamPolicy(needed)).Statement.length).toBe(statementsOf(needed).length);
    const hcl = terraformPolicy("mimir/region-failover", needed);
    expect(hcl).toMatch(/^data "aws_iam_policy_document" "lifeboat_mimir_region_failover" \{\n/);
    expect(hcl.match(/statement \{/g)).toHaveLength(statementsOf(needed).length);
  });
});

test.each([
  ["cn-north-1", "aws-cn"],
  ["us-gov-west-1", "aws-us-gov"],
])("in %s every resource is of partition %s, and so is every key", async (region, partition) => {
  const bucket = { bucket: "b", region };
  const given = {
    ...{ account: "111122223333", region, sourceRegion: region, pollSeconds: 1, kmsKeyId: "alias/dr" },
    ...{ instance: "a", source: "a", replica: "b", target: "c", from: "a", to: "b", cluster: "c", global: "g" },
    ...{ subnetGroup: "s", parameterGroup: "p", healthCheck: "h", healthChecks: ["h"], zone: "Z0" },
    controls: [{ arn: `arn:${partition}:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/r` }],
  };
  const buckets = { source: bucket, destination: bucket, from: bucket, to: bucket, setting: { in: { kind: "file" } } };
  const partitions = new Set<string>();
  for (const id of permissions.keys()) {
    if (!OF_AWS.includes(id.split(".")[0] ?? "")) continue;
    const target = `arn:${partition}:rds:${region}:111122223333:cluster:c`;
    const of = { ...given, ...(id.startsWith("s3.") && buckets), ...(id.includes("global") && { target }) };
    for (const one of await permissionsOf(id, of))
      if (one.of === "aws" && one.resource !== "*") partitions.add(`${id} ${one.resource.split(":")[1]}`);
  }
  expect([...partitions].filter((one) => !one.endsWith(` ${partition}`))).toEqual([]);
  expect(partitions.size).toBeGreaterThan(15);
});

test("a value of Terraform's own syntax is only text", () => {
  const hcl = terraformPolicy("a", [
    { of: "aws", action: "s3:GetObject", resource: `$${"{"}file("/etc/passwd")}%{if}`, regions: [] },
  ]);
  expect(hcl).toContain(String.raw`"$$${"{"}file(\"/etc/passwd\")}%%{if}"`);
});

test("the READMEs of targets name no permission of AWS that no action declares", () => {
  const named = OF_AWS.flatMap((target) => [
    ...readFileSync(join(projectRoot(), "src/actions", target, "README.md"), "utf8").matchAll(
      /"((?:rds|s3|route53|cloudwatch):[A-Z]\w+)"/g,
    ),
  ]).map(([, name = ""]) => name);
  const sources = OF_AWS.map((target) =>
    readFileSync(join(projectRoot(), "src/actions", target, "permissions.ts"), "utf8"),
  ).join("\n");
  expect(named.length).toBeGreaterThan(20);
  expect([...new Set(named)].filter((name) => !sources.includes(`"${name}"`))).toEqual([]);
});
