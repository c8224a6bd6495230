import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createS3, type S3 } from "../../../practice/targets/s3/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import { ACCOUNT, EAST, place, standIn, WEST } from "./fixture.ts";
import { add } from "./rds-failure-cases.ts";

holdPermissions(["rds.unlisted", "s3.unlisted", "rds.quotas"]);

/** Given an account in AWS; when what belongs to a system is held against what runbooks name; then the rest is drift, and not knowing is said. */
const stand = standIn();
let s3: S3;
beforeEach(async () => {
  s3 = await createS3();
  process.env.AWS_ENDPOINT_URL_S3 = s3.url;
});
afterEach(async () => {
  delete process.env.AWS_ENDPOINT_URL_S3;
  await s3.close();
});

const look = async (action: string, more: object) =>
  (await actionHarness({}).look(action, { account: ACCOUNT, region: EAST, ...more })).checks;
const drift = async (action: string, more: object) => (await look(action, more)).map(({ id, level }) => [id, level]);

function instance(id: string, tags: Readonly<Record<string, string>> = {}, region = EAST): void {
  add(stand.aws(), { id, region, tags });
}

function bucket(name: string, tags: Readonly<Record<string, string>> = {}, region = EAST): void {
  s3.store.add(name, region).tags = tags;
}

describe("databases of RDS", () => {
  test("belong to the system by their name or all of the tags; those no runbook names are told, a cluster once", async () => {
    instance("shop-orders");
    instance("shop-reports");
    instance("billing", { System: "shop", Stage: "prod" });
    instance("half", { System: "shop" });
    instance("elsewhere");
    instance("shop-west", {}, WEST);
    instance("shop-aurora-1");
    const cluster = { region: EAST, status: "available", members: ["shop-aurora-1"], writer: "shop-aurora-1" };
    stand.aws().state.clusters.set(`${EAST}/shop-aurora`, { id: "shop-aurora", ...cluster });
    stand.aws().state.clusters.set(`${EAST}/ledger`, {
      ...{ id: "ledger", ...cluster, members: [], writer: "" },
      tags: { System: "shop", Stage: "prod" },
    });
    const ours = { prefix: "shop-", tags: { System: "shop", Stage: "prod" } };
    expect(await drift("rds.unlisted", { ...ours, known: ["shop-orders"] })).toEqual([
      ["drift.rds/shop-reports", "warn"],
      ["drift.rds/billing", "warn"],
      ["drift.rds/shop-aurora", "warn"],
      ["drift.rds/ledger", "warn"],
    ]);
    expect(await drift("rds.unlisted", { prefix: "shop-", known: ["shop-orders"], ignore: ["rds/shop-*"] })).toEqual(
      [],
    );
  });

  test("that can't be seen are no empty account: said where it's refused, not where a region is silent", async () => {
    stand.aws().faults.deny("rds:DescribeDBClusters");
    const [denied] = await look("rds.unlisted", { prefix: "shop-" });
    expect(denied).toMatchObject({ id: "drift.rds", level: "warn", ok: false });
    expect(denied?.says).toContain("Allow rds:DescribeDBInstances and rds:DescribeDBClusters.");
    const [other] = await look("rds.unlisted", { prefix: "shop-", account: "999988887777" });
    expect(other?.says).toContain(`the credentials belong to account ${ACCOUNT}`);
    stand.aws().faults.clear();
    stand.aws().faults.down(EAST);
    expect(await look("rds.unlisted", { prefix: "shop-" })).toEqual([]);
  });
});

describe("buckets", () => {
  test("belong to the system by their name or all of the tags, in that region", async () => {
    bucket("shop-media");
    bucket("shop-west", {}, WEST);
    bucket("exports", { System: "shop" });
    bucket("other", { System: "crm" });
    bucket("untagged");
    const ours = { prefix: "shop-", tags: { System: "shop" } };
    expect(await drift("s3.unlisted", ours)).toEqual([
      ["drift.bucket/exports", "warn"],
      ["drift.bucket/shop-media", "warn"],
    ]);
    expect(await drift("s3.unlisted", { ...ours, known: ["exports", "shop-media"] })).toEqual([]);
    // Whose name says it, and who is known, is asked for no tags.
    expect(s3.ledger.of("GetBucketTagging").map(({ given }) => given.Bucket)).toEqual(
      expect.not.arrayContaining(["shop-media"]),
    );
  });

  test("whose tags can't be read are counted, and a refused list is said", async () => {
    bucket("shop-media");
    bucket("secretive", { System: "shop" });
    s3.faults.deny("s3:GetBucketTagging");
    const ours = { prefix: "shop-", tags: { System: "shop" } };
    const [media, unread] = await look("s3.unlisted", ours);
    expect(media?.id).toBe("drift.bucket/shop-media");
    expect(unread?.says).toContain("the tags of 1 can't be read");
    s3.faults.deny("s3:ListBuckets");
    expect((await look("s3.unlisted", ours)).map(({ says }) => says)).toEqual([
      expect.stringContaining("Allow s3:ListAllMyBuckets and s3:GetBucketTagging."),
    ]);
  });
});

describe("the quota of RDS instances", () => {
  const quota = async (instances: number, more: object = {}) => {
    const { account, region } = place(EAST);
    const checks = await look("rds.quotas", { account, region, instances, ...more });
    return checks.find(({ id }) => id === "quota.instances");
  };

  test("that is used up is a reason; one that can't be read is said", async () => {
    instance("a");
    instance("b");
    stand.aws().state.instanceQuota = 3;
    expect(await quota(1)).toMatchObject({ ok: true, level: "block" });
    expect(await quota(2)).toMatchObject({
      ...{ ok: false, level: "block" },
      says: "us-east-1 has 2 of 3 RDS instances; 2 more don't fit.",
      next: "Have the quota raised.",
    });
    stand.aws().faults.deny("rds:DescribeAccountAttributes");
    expect(await quota(2)).toMatchObject({
      ...{ ok: false, level: "warn" },
      says: expect.stringContaining("Allow rds:DescribeAccountAttributes."),
    });
  });
});
