import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { RDS } from "@aws-sdk/client-rds";
import { Route53 } from "@aws-sdk/client-route-53";
import { S3 } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Aws, anInstance, createAws } from "../../practice/targets/aws/index.ts";
import { soon } from "../support/database-fixture.ts";
import { callsIn } from "../support/held.ts";
import { type Answer, type Exchange, record } from "./exchange.ts";
import { inspect } from "./inspect.ts";
import { serviceSignedAs } from "./services.ts";
import { parse } from "./xml.ts";

/**
 * The negative control of what holds AWS's wire: real exchanges, of each of its protocols, of which nothing is to be said;
 * and the same with one thing wrong in them, which has to be found.
 */
const REGION = "us-east-1";
const seen = new Map<string, Exchange>();
let aws: Aws;
let stop: () => void;

beforeAll(async () => {
  aws = await createAws({ scale: 0.003 });
  stop = record((exchange) => void inspect(exchange).then((one) => one && seen.set(one.operation, exchange)));
  aws.state.instances.set(`${REGION}/orders`, anInstance({ id: "orders", region: REGION }));
  aws.state.parameterGroups.set(`${REGION}/own`, new Map());
  const records = [{ name: "a.shop.test", type: "A", ttl: 30, values: ["192.0.2.1"] }];
  aws.state.zones.set("Z1", { id: "Z1", records, served: records, protections: [], busyUntil: 0 });
  aws.s3.add("media", REGION);
  aws.s3.put("media", "1.png", "picture");
  const credentials = { accessKeyId: "PRACTICE", secretAccessKey: "practice" };
  const settings = { endpoint: aws.url, region: REGION, credentials, maxAttempts: 1 };
  const [rds, route53] = [new RDS(settings), new Route53(settings)];
  const [cloudwatch, s3] = [new CloudWatch(settings), new S3({ ...settings, forcePathStyle: true })];
  await rds.describeDBInstances({ DBInstanceIdentifier: "orders" });
  await rds.rebootDBInstance({ DBInstanceIdentifier: "unknown" }).catch(() => {});
  const Parameters = ["a", "b"].map((one) => ({
    ...{ ParameterName: one, ParameterValue: "1" },
    ApplyMethod: "immediate" as const,
  }));
  await rds.modifyDBParameterGroup({ DBParameterGroupName: "own", Parameters });
  const ResourceRecordSet = { Name: "a.shop.test", Type: "A" as const, TTL: 30 };
  await route53.changeResourceRecordSets({
    HostedZoneId: "Z1",
    ChangeBatch: {
      Changes: [
        { Action: "UPSERT", ResourceRecordSet: { ...ResourceRecordSet, ResourceRecords: [{ Value: "192.0.2.2" }] } },
      ],
    },
  });
  await route53.listResourceRecordSets({ HostedZoneId: "Z1", StartRecordName: "a" });
  const Metric = { Namespace: "AWS/RDS", MetricName: "ReplicaLag" };
  const MetricDataQueries = [{ Id: "lag", MetricStat: { Metric, Period: 60, Stat: "Maximum" } }];
  await cloudwatch.getMetricData({ MetricDataQueries, StartTime: new Date(0), EndTime: new Date() });
  await s3.listObjectsV2({ Bucket: "media" });
  await s3.headObject({ Bucket: "media", Key: "1.png" });
  for (const client of [rds, route53, cloudwatch, s3]) client.destroy();
  await soon("the exchanges", async () => seen.size === 8);
}, 60_000);
afterAll(async () => {
  stop();
  await aws.close();
});

const NAMES = {
  describe: "rds:DescribeDBInstances",
  refused: "rds:RebootDBInstance",
  parameters: "rds:ModifyDBParameterGroup",
  change: "route53:ChangeResourceRecordSets",
  records: "route53:ListResourceRecordSets",
  metric: "monitoring:GetMetricData",
  objects: "s3:ListObjectsV2",
  head: "s3:HeadObject",
};

test("nothing is said of what is right", async () => {
  for (const name of Object.values(NAMES)) {
    const exchange = of(name);
    expect(exchange.answer).not.toBeNull();
    expect((await inspect(exchange))?.findings).toEqual([]);
  }
});

describe("what is wrong in a request is found", () => {
  test.each<[string, string, (exchange: Exchange) => Exchange, string]>([
    [
      "a parameter nobody knows",
      NAMES.describe,
      sent("&DBInstance=orders", true),
      "DBInstance there is no such parameter",
    ],
    [
      "a list that begins late",
      NAMES.parameters,
      sent(/Parameter\.1\./g, "Parameter.3."),
      "there is no such parameter",
    ],
    ["a value of no enumeration", NAMES.parameters, sent("=immediate", "=at-once"), '"at-once" is none of'],
    ["a required one left out", NAMES.parameters, sent("DBParameterGroupName=own&", ""), "is required and left out"],
    ["a boolean that is none", NAMES.refused, sent("&ForceFailover=yes", true), '"yes" is no boolean'],
    ["another version of the API", NAMES.describe, sent("2014-10-31", "2012-01-01"), "Version is not"],
    ["an element nobody knows", NAMES.change, sent("<TTL>30</TTL>", "<Ttl>30</Ttl>"), ".Ttl there is no such member"],
    ["an action that is none", NAMES.change, sent("UPSERT", "REPLACE"), '"REPLACE" is none of'],
    [
      "an element left out",
      NAMES.change,
      sent("<Type>A</Type>", ""),
      "ResourceRecordSet.Type is required and left out",
    ],
    ["another document", NAMES.change, sent(/ChangeResourceRecordSetsRequest/g, "Change"), "the document is called"],
    ["a number that is none", NAMES.change, sent(">30<", ">half a minute<"), "is no number"],
    ["a parameter of the path", NAMES.records, asked("?name=a", "?name=a&colour=red"), "?colour there is no such"],
    ["JSON of another type", NAMES.metric, sent('"Period":60', '"Period":"60"'), "is no number"],
    ["JSON nobody knows", NAMES.metric, sent('"Period":60', '"Period":60,"Every":1'), ".Every there is no such member"],
    [
      "a header of AWS's nobody knows",
      NAMES.objects,
      headed({ "x-amz-colour": "red" }),
      "x-amz-colour there is no such",
    ],
    ["no operation at all", NAMES.objects, asked("list-type=2", "list-kind=2"), "there is no such parameter"],
    [
      "an operation nobody knows",
      NAMES.describe,
      sent("Action=Describe", "Action=Imagine"),
      "no operation is asked for",
    ],
  ])("%s", async (_what, name, damage, finding) => {
    expect((await inspect(damage(of(name))))?.findings.join("\n")).toContain(finding);
  });
});

describe("what is wrong in an answer of a stand-in is found", () => {
  test.each<[string, string, (answer: Answer) => Answer, string]>([
    [
      "an invented member",
      NAMES.describe,
      said("<MultiAZ>", "<Colour>red</Colour><MultiAZ>"),
      "Colour there is no such member",
    ],
    ["a member that is always there", NAMES.describe, said(/<Engine>\w+<\/Engine>/, ""), "Engine is always sent"],
    ["a boolean that is none", NAMES.describe, said("<MultiAZ>false", "<MultiAZ>No"), '"No" is no boolean'],
    [
      "a time that is none",
      NAMES.describe,
      said(/<InstanceCreateTime>[^<]+/, "<InstanceCreateTime>today"),
      "is no time",
    ],
    ["items under another name", NAMES.describe, said(/DBInstance>/g, "member>"), "an item of"],
    ["one member twice", NAMES.describe, said("<MultiAZ>", "<MultiAZ>true</MultiAZ><MultiAZ>"), "stands there twice"],
    [
      "the answer to another question",
      NAMES.describe,
      said(/DescribeDBInstancesR/g, "DescribeDBClustersR"),
      "is called",
    ],
    ["a refusal nobody knows", NAMES.refused, said("DBInstanceNotFound<", "DBInstanceGone<"), "there is no such error"],
    ["the wrong status", NAMES.refused, (answer) => ({ ...answer, status: 400 }), "comes with 404, not with 400"],
    ["what the model requires", NAMES.records, said(/<IsTruncated>\w+<\/IsTruncated>/, ""), "is required and left out"],
    ["a value of no enumeration", NAMES.change, said("PENDING", "SOON"), '"SOON" is none of'],
    ["JSON that is invented", NAMES.metric, said('"Label"', '"Title"'), "Title there is no such member"],
    [
      "a list of S3 without its counts",
      NAMES.objects,
      said(/<KeyCount>\d+<\/KeyCount>/, ""),
      "KeyCount is always sent",
    ],
    ["an object of S3 without its ETag", NAMES.head, without("etag"), "etag is always sent"],
    ["an answer of S3 without its ids", NAMES.head, without("x-amz-id-2"), "x-amz-id-2 is always sent"],
    ["a document that is not whole", NAMES.describe, said("</DBInstances>", ""), "closes"],
  ])("%s", async (_what, name, damage, finding) => {
    const exchange = of(name);
    const answer = damage(exchange.answer as Answer);
    expect((await inspect({ ...exchange, answer }))?.findings.join("\n")).toContain(finding);
  });
});

describe("a signature that is not that of the request is found", () => {
  test.each<[string, string, (exchange: Exchange) => Exchange, string]>([
    ["another body", NAMES.describe, sent("orders", "ledger"), "covers another body"],
    ["another path", NAMES.head, asked("1.png", "2.png"), "is not that of the request"],
    ["another parameter", NAMES.records, asked("name=a", "name=b"), "is not that of the request"],
    ["a header it does not cover", NAMES.head, headed({ "x-amz-meta-by": "me" }), "does not cover x-amz-meta-by"],
    ["another time", NAMES.objects, headed({ "x-amz-date": "20200101T000000Z" }), "is not that of the request"],
  ])("%s", async (_what, name, damage, finding) => {
    expect((await inspect(damage(of(name))))?.findings.join("\n")).toContain(finding);
  });
});

test("the models are really read: operations, required members, enumerations and errors of each", async () => {
  const rds = await serviceSignedAs("rds");
  const route53 = await serviceSignedAs("route53");
  expect(
    rds?.model.operations.get("PromoteReadReplica")?.input.members.filter(({ required }) => required),
  ).toHaveLength(1);
  expect(rds?.model.errors.get("DBInstanceNotFound")).toBe(404);
  expect(route53?.enums("Change", "Action")).toEqual(["CREATE", "DELETE", "UPSERT"]);
  expect(route53?.model.errors.get("PriorRequestNotComplete")).toBe(400);
  expect(callsIn("rds")).toContain("promoteReadReplica");
});

test("a document that is none is refused", () => {
  for (const wrong of ["<a><b></a>", "<a>", "<a/><b/>", "<a>&nothing;</a>", "a < b"])
    expect(() => parse(wrong)).toThrow();
  expect(parse('<?xml version="1.0"?>\n<a x="1">b &amp; &#99;</a>')).toMatchObject({
    text: "b & c",
    attributes: { x: "1" },
  });
});

function of(name: string): Exchange {
  const found = seen.get(name);
  if (!found) throw new Error(`${name} was not met: ${[...seen.keys()].join(", ")}`);
  return found;
}

function replaced(body: Buffer, from: string | RegExp, to: string | true): Buffer {
  const before = body.toString("utf8");
  const after = to === true ? `${before}${String(from)}` : before.replace(from, to);
  if (after === before) throw new Error(`${String(from)} is not in ${before}`);
  return Buffer.from(after);
}

/** `true`: it is put at the end. */
function sent(from: string | RegExp, to: string | true) {
  return (exchange: Exchange): Exchange => ({ ...exchange, body: replaced(exchange.body, from, to) });
}

function said(from: string | RegExp, to: string) {
  return (answer: Answer): Answer => ({ ...answer, body: replaced(answer.body, from, to) });
}

function asked(from: string, to: string) {
  return (exchange: Exchange): Exchange => ({
    ...exchange,
    url: replaced(Buffer.from(exchange.url), from, to).toString(),
  });
}

function headed(more: Record<string, string>) {
  return (exchange: Exchange): Exchange => ({ ...exchange, headers: { ...exchange.headers, ...more } });
}

function without(header: string) {
  return (answer: Answer): Answer => {
    const { [header]: gone, ...headers } = answer.headers;
    if (gone === undefined) throw new Error(`There is no ${header}`);
    return { ...answer, headers };
  };
}
