import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { actionHarness } from "../support/action-harness.ts";
import { soon } from "../support/database-fixture.ts";
import { describeWith } from "../support/describe-with.ts";
import { openChanges } from "./changes.ts";
import { dealsOf, hold } from "./hold.ts";
import { MOTO } from "./peers.ts";
import { targetNamed } from "./targets.ts";
import { noteTested } from "./tested.ts";

/** The contracts of AWS and S3, over a program this project did not write. What it does otherwise than AWS is in `peers.ts`. */
const run = promisify(execFile);
const ACCOUNT = "123456789012";
const describe = await describeWith(["moto_server"], ["python3-venv, and the packages of .ci/peers.txt"]);

describe(`moto as AWS (its known shortcuts: ${MOTO.shortcuts.join("; ")})`, () => {
  let server: ChildProcess;
  let url: string;
  let zone: string;
  const before = { ...process.env };
  const values = ['"v=spf1 -all"', '"site-verification=abc"'];
  const settings = () => ({
    region: "us-east-1",
    endpoint: url,
    credentials: { accessKeyId: "x", secretAccessKey: "y" },
  });

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    server = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    await soon("moto", async () => (await fetch(`${url}/moto-api/data.json`).catch(() => null))?.ok === true, 60);
    process.env.AWS_ENDPOINT_URL = url;
    const { Route53 } = await import("@aws-sdk/client-route-53");
    const { RDS } = await import("@aws-sdk/client-rds");
    const route53 = new Route53(settings());
    const made = await route53.createHostedZone({ Name: "shop.test", CallerReference: "contract" });
    zone = (made.HostedZone?.Id ?? "").replace("/hostedzone/", "");
    const ResourceRecordSet = {
      ...{ Name: "contract.shop.test", Type: "TXT" as const, TTL: 30 },
      ResourceRecords: values.map((Value) => ({ Value })),
    };
    await route53.changeResourceRecordSets({
      HostedZoneId: zone,
      ChangeBatch: { Changes: [{ Action: "UPSERT", ResourceRecordSet }] },
    });
    const rds = new RDS(settings());
    await rds.createDBInstance({
      ...{ DBInstanceIdentifier: "orders", DBInstanceClass: "db.t3.micro", Engine: "postgres" },
      ...{ AllocatedStorage: 20, MasterUsername: "owner", MasterUserPassword: "practice1" },
    });
    for (const client of [route53, rds]) client.destroy();
  }, 90_000);
  afterAll(async () => {
    process.env = before;
    if (server === undefined || server.exitCode !== null) return;
    const gone = once(server, "exit");
    server.kill();
    await gone;
  });

  const held = async (id: string, environment: Record<string, string>, mayChange: string) => {
    const lines: string[] = [];
    const given = { ...environment, LIVE_PRACTICE: "1" };
    const all = await hold(targetNamed(id), given, mayChange, (line) => lines.push(line), { changes: openChanges() });
    const failed = all.filter(({ ok }) => ok !== true).map(({ says }) => [says, lines]);
    const target = targetNamed(id);
    const noted = { target: id, program: MOTO.program, by: "suite", held: dealsOf(target).map(({ says }) => says) };
    if (failed.length === 0) await noteTested(noted, motoVersion);
    return failed;
  };

  test("AWS: STS, CloudWatch, RDS and a TXT record of several values, there and back", async () => {
    const environment = { LIVE_AWS_ACCOUNT: ACCOUNT, LIVE_RDS_INSTANCE: "orders", AWS_ENDPOINT_URL: url };
    expect(await held("aws", environment, `${zone}/contract.shop.test`)).toEqual([]);
    const { Route53 } = await import("@aws-sdk/client-route-53");
    const route53 = new Route53(settings());
    const { ResourceRecordSets: sets = [] } = await route53.listResourceRecordSets({ HostedZoneId: zone });
    const now = sets.find(({ Type }) => Type === "TXT")?.ResourceRecords?.map(({ Value }) => Value);
    expect([...(now ?? [])].sort()).toEqual([...values].sort());
    route53.destroy();
  }, 60_000);

  test("RDS: a fence by its parameter group, a second zone, restores, another name, and a deletion with its last snapshot", async () => {
    const { RDS } = await import("@aws-sdk/client-rds");
    const rds = new RDS(settings());
    const group = { DBParameterGroupName: "ledger-16", DBParameterGroupFamily: "postgres16", Description: "its own" };
    await rds.createDBParameterGroup(group);
    const subnets = { DBSubnetGroupName: "private", DBSubnetGroupDescription: "two zones" };
    await rds.createDBSubnetGroup({ ...subnets, SubnetIds: await subnetsOf(url) });
    await rds.createDBInstance({
      ...{ DBInstanceIdentifier: "ledger", DBInstanceClass: "db.t3.micro", Engine: "postgres" },
      ...{ AllocatedStorage: 20, MasterUsername: "owner", MasterUserPassword: "practice1" },
      ...{ BackupRetentionPeriod: 7, DBParameterGroupName: "ledger-16" },
    });
    await rds.createDBSnapshot({ DBInstanceIdentifier: "ledger", DBSnapshotIdentifier: "ledger-monday" });
    const harness = actionHarness({});
    const fenced = { id: "fenced", label: "Fenced", value: true, material: false };
    harness.remember("fence", { says: "It is fenced.", facts: [fenced] });
    const place = { account: ACCOUNT, region: "us-east-1", pollSeconds: 0.05, startsWithinSeconds: 5 };
    const shape = { subnetGroup: "private", securityGroups: ["sg-1"], parameterGroup: "ledger-16" };
    const perform = async (action: string, given: object) =>
      (await harness.perform(action, action, { ...place, ...given })).evidence;
    const parameter = async () => {
      const { Parameters = [] } = await rds.describeDBParameters({ DBParameterGroupName: "ledger-16" });
      return Parameters.find(({ ParameterName }) => ParameterName === "default_transaction_read_only")?.ParameterValue;
    };
    await perform("rds.check_backups", { instance: "ledger", encrypted: false });
    for (const readOnly of [true, false]) {
      await perform("rds.set_read_only", { instance: "ledger", parameterGroup: "ledger-16", readOnly });
      expect(await parameter()).toBe(readOnly ? "1" : "0");
    }
    await perform("rds.restore_snapshot", { ...shape, target: "ledger-old", snapshot: "ledger-monday" });
    await perform("rds.restore_pitr", { ...shape, target: "ledger-latest", source: "ledger", time: "latest" });
    await perform("rds.set_multi_az", { instance: "ledger" });
    await perform("rds.rename", { from: "ledger-old", to: "ledger-aside" });
    const { facts } = await perform("rds.delete", { instance: "ledger-aside", fenceStep: "fence" });
    const { DBInstances = [] } = await rds.describeDBInstances();
    const ledgers = DBInstances.flatMap(({ DBInstanceIdentifier: id = "", MultiAZ }) =>
      id.startsWith("ledger") ? [[id, MultiAZ]] : [],
    );
    expect(ledgers.sort()).toEqual([
      ["ledger", true],
      ["ledger-latest", false],
    ]);
    const { DBSnapshots = [] } = await rds.describeDBSnapshots({ DBInstanceIdentifier: "ledger-aside" });
    expect(DBSnapshots.map(({ DBSnapshotIdentifier: id }) => id)).toEqual([
      facts.find(({ id }) => id === "finalSnapshot")?.value,
    ]);
    rds.destroy();
  }, 60_000);

  test("S3: buckets with versions, checksums of every kind today's SDK sends, and nothing that stands there is lost", async () => {
    const { S3 } = await import("@aws-sdk/client-s3");
    const s3 = new S3({ ...settings(), forcePathStyle: true });
    const [from, to] = ["versions-from", "versions-to"];
    for (const Bucket of [from, to]) {
      await s3.createBucket({ Bucket });
      await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    }
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"] as const) {
      await s3.putObject({
        Bucket: from,
        Key: `sums/${ChecksumAlgorithm}`,
        Body: ChecksumAlgorithm,
        ChecksumAlgorithm,
      });
    }
    await s3.putObject({ Bucket: to, Key: "sums/SHA256", Body: "of before" });
    await s3.putObject({ Bucket: from, Key: "sums/SHA256", Body: "of now", ChecksumAlgorithm: "SHA256" });
    const bucket = (name: string) => ({ bucket: name, region: "us-east-1", endpoint: url, credentialsFrom: "KEYS" });
    const sync = { source: bucket(from), destination: bucket(to) };
    const harness = actionHarness({ KEYS: "x:y" });
    expect((await harness.perform("copy", "s3.sync", sync)).applied).toBe(true);
    expect((await harness.perform("again", "s3.sync", sync)).applied).toBe(false);
    const copied = await s3.getObject({ Bucket: to, Key: "sums/SHA256" });
    expect(await copied.Body?.transformToString()).toBe("of now");
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: to, Prefix: "sums/SHA256" });
    const before = Versions.find(({ IsLatest }) => !IsLatest);
    const VersionId = before?.VersionId ?? "";
    const kept = await s3.getObject({ Bucket: to, Key: "sums/SHA256", VersionId });
    expect(await kept.Body?.transformToString()).toBe("of before");
    s3.destroy();
  }, 60_000);

  test("S3: objects of any size, put as today's SDK puts them, copied once and gone again", async () => {
    const { S3 } = await import("@aws-sdk/client-s3");
    const s3 = new S3({ ...settings(), forcePathStyle: true });
    for (const Bucket of ["contract-from", "contract-to"]) await s3.createBucket({ Bucket });
    await s3.putObject({ Bucket: "contract-from", Key: "img/1.png", Body: "picture" });
    await s3.putObject({ Bucket: "contract-from", Key: "video/1.mp4", Body: Buffer.alloc(20 * 1024 * 1024, 7) });
    const environment = { S3_SOURCE: "contract-from", S3_ENDPOINT: url, S3_CREDENTIALS: "x:y" };
    expect(await held("s3", environment, "contract-to")).toEqual([]);
    expect((await s3.listObjectsV2({ Bucket: "contract-to" })).KeyCount).toBe(0);
    s3.destroy();
  }, 60_000);
});

/** Of the Python beside the program, since `moto_server` itself doesn't say. */
async function motoVersion(): Promise<string> {
  const { stdout: found } = await run("which", ["moto_server"]);
  const python = join(dirname(await realpath(found.trim())), "python3");
  const { stdout } = await run(python, ["-c", "import importlib.metadata as m; print(m.version('moto'))"]);
  return stdout.trim();
}

/** Of the default network, in zones of their own; no SDK of ours speaks EC2. */
async function subnetsOf(url: string): Promise<string[]> {
  const scope = "x/20261130/us-east-1/ec2/aws4_request";
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=x`,
    },
    body: "Action=DescribeSubnets&Version=2016-11-15",
  });
  return [...(await response.text()).matchAll(/<subnetId>(.*?)<\/subnetId>/g)].map(([, id = ""]) => id);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
