import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Permission } from "../../src/actions/permission.ts";
import { type CallsMade, declaredBy, recordCalls } from "./calls-made.ts";

/** What IAM calls what an operation needs, where it isn't the operation's own name. Empty: nothing, or what everyone has. */
const IAM: Readonly<Record<string, readonly string[]>> = {
  "sts:GetCallerIdentity": [],
  "monitoring:GetMetricData": ["cloudwatch:GetMetricData"],
  "s3:ListObjectsV2": ["s3:ListBucket"],
  "s3:ListBuckets": ["s3:ListAllMyBuckets"],
  "s3:HeadObject": ["s3:GetObject"],
  "s3:GetBucketReplication": ["s3:GetReplicationConfiguration"],
  "s3:CreateMultipartUpload": ["s3:PutObject"],
  "s3:UploadPart": ["s3:PutObject"],
  "s3:CompleteMultipartUpload": ["s3:PutObject"],
};

/** What AWS or an API server asks for beside the call that was made: no request shows it. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  "rds:CreateDBInstanceReadReplica": ["rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey"],
  "rds:RestoreDBInstanceToPointInTime": ["rds:AddTagsToResource", "rds:ListTagsForResource"],
  "rds:RestoreDBInstanceFromDBSnapshot": ["rds:AddTagsToResource", "rds:ListTagsForResource"],
  "rds:DeleteDBInstance": ["rds:CreateDBSnapshot", "rds:AddTagsToResource"],
};

/**
 * Holds what actions declare for their policies against what this file's tests saw them ask of AWS and of clusters: nothing is asked that
 * isn't declared; and of the actions named, nothing is declared that is never asked. To be called once, at the top.
 *
 * @param whole actions of which this file shows every call
 * @param never what is declared, and can't be asked: of a kind that no cluster knows
 */
export function holdPermissions(whole: readonly string[], never: RegExp = /^$/): void {
  let calls: CallsMade;
  beforeAll(() => {
    calls = recordCalls();
  });
  afterAll(() => calls.stop());
  afterAll(async () => {
    const made = await calls.made();
    expect([...made.keys()]).toEqual(expect.arrayContaining([...whole]));
    for (const [action, asked] of made) {
      const needs = new Set([...asked].flatMap((call) => IAM[call] ?? [call]).map(inRbac));
      const beside = new Set([...asked].flatMap((call) => BESIDE[call] ?? []));
      const said = new Set((await declaredBy(action)).map(sayPermission));
      // A server-side apply of what isn't there is a patch on the wire, and a creation to RBAC.
      if (action === "kubernetes.apply")
        for (const one of needs)
          if (one.startsWith("kubernetes:patch ")) beside.add(one.replace(":patch ", ":create "));
      expect([action, "asks", [...needs].filter((one) => !said.has(one))]).toEqual([action, "asks", []]);
      if (whole.includes(action))
        expect([
          action,
          "declares",
          [...said].filter((one) => !needs.has(one) && !beside.has(one) && !never.test(one)),
        ]).toEqual([action, "declares", []]);
    }
  });
}

function inRbac(call: string): string {
  return call.replace(" /", " ");
}

function sayPermission(one: Permission): string {
  if (one.of === "aws") return one.action;
  return `kubernetes:${one.verb} ${one.group === "" ? "" : `${one.group}/`}${one.resource}`;
}
