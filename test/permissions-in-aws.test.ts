import { execFile } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { cards } from "../src/actions/index.ts";
import { loadCatalog } from "../src/catalog/load.ts";
import { projectRoot } from "../src/lib/root.ts";
import { neededFor } from "../src/permissions/collect.ts";
import { iamPolicy } from "../src/permissions/iam.ts";
import { describeWith } from "./support/describe-with.ts";

/**
 * Every policy of `lifeboat permissions`, by parliament, which this project did not write: it knows from AWS's service authorization reference which
 * actions there are and what resources each is asked of. It is of April 2025.
 */
const describe = await describeWith(["peers-python"], ["python3-venv, and the packages of .ci/peers.txt"]);
/** What it says of ours, and is meant so. */
const MEANT = [
  // Only looks, which tell "not there" only to who may ask for every name (`test/actions/permissions.test.ts` has nothing else of everything).
  /^RESOURCE_STAR /,
  // Newer than its list; the service model that ships with the SDK has it (`test/wire`).
  /^UNKNOWN_ACTION .*route53:ListResourceRecordSetProtections/,
  // Of a source that is a Multi-AZ cluster; `rds.make_replica` has an instance.
  /^RESOURCE_MISMATCH .*rds:CreateDBInstanceReadReplica.*:cluster:/,
];

describe("the policies of all runbooks", () => {
  const policies = new Map<string, string>();
  beforeAll(async () => {
    const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems"), cards);
    for (const runbook of catalog.runbooks) {
      const system = catalog.systems.find(({ id }) => id === runbook.system);
      if (system === undefined) continue;
      const { permissions } = await neededFor(system, runbook);
      if (permissions.some(({ of }) => of === "aws"))
        policies.set(`${system.id}/${runbook.id}`, given(iamPolicy(permissions)));
    }
  });

  test("name actions that AWS has, each of resources it is asked of", async () => {
    expect(policies.size).toBeGreaterThan(5);
    const found = await findings(policies);
    expect(found.filter(({ says }) => !MEANT.some((one) => one.test(says)))).toEqual([]);
    expect(MEANT.filter((one) => !found.some(({ says }) => one.test(says)))).toEqual([]);
  });

  test("are refused where they are wrong", async () => {
    const wrong = new Map(
      Object.entries({
        "no such action": { Action: "rds:PromoteReplica", Resource: "*" },
        "a resource of another kind": {
          Action: "rds:PromoteReadReplica",
          Resource: "arn:aws:rds:us-east-1:123456789012:cluster:orders",
        },
        "an object's action of a bucket": { Action: "s3:GetObject", Resource: "arn:aws:s3:::media" },
      }).map(([name, one]) => [
        name,
        JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...one }] }),
      ]),
    );
    expect(new Set((await findings(wrong)).map(({ policy }) => policy))).toEqual(new Set(wrong.keys()));
  });
});

/** With something of the right kind where a value isn't known. */
function given(policy: string): string {
  return policy
    .replaceAll("<account>", "123456789012")
    .replaceAll(
      /"<\w*Control>"/g,
      '"arn:aws:route53-recovery-control::123456789012:controlpanel/0123456789/routingcontrol/0123456789"',
    )
    .replaceAll(/<(\w+)>/g, (_, name: string) => name.toLowerCase());
}

interface Finding {
  readonly policy: string;
  readonly says: string;
}

const PARLIAMENT = `
import json, sys, parliament
for name, policy in json.load(sys.stdin).items():
    for found in parliament.analyze_policy_string(policy).findings:
        print(json.dumps({"policy": name, "says": found.issue + " " + json.dumps(found.detail)}))
`;

async function findings(policies: ReadonlyMap<string, string>): Promise<readonly Finding[]> {
  const said = await new Promise<string>((resolve, reject) => {
    const child = execFile("peers-python", ["-W", "ignore", "-c", PARLIAMENT], (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}${stderr}`)) : resolve(stdout),
    );
    child.stdin?.end(JSON.stringify(Object.fromEntries(policies)));
  });
  return said
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Finding);
}
