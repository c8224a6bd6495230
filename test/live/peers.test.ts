import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { describeWith } from "../actions/present.ts";
import { soon } from "../actions/shop.ts";
import { openChanges } from "./changes.ts";
import { hold } from "./hold.ts";
import { targetNamed } from "./targets.ts";

/**
 * The contracts of AWS and S3, over a program this project did not write: moto, which answers the wire protocols from
 * botocore's service models. What it does otherwise than AWS is no fault of ours, and is listed with its reason.
 */
const SHORTCUTS = [
  "hosted zone ids do not begin with Z",
  "ListResourceRecordSetProtections is unknown: the check for it warns",
  "GetChange says INSYNC of any id, so a change is never seen PENDING",
  "ExpectedBucketOwner is ignored, so a bucket of somebody else's is not refused",
  "`*` of a wildcard is listed as it was given, not as \\052",
  "what was ever created is not created again while it is there, even where the same batch deletes it first",
  "an instance without a read replica has no StatusInfos",
] as const;

const ACCOUNT = "123456789012";
const describe = await describeWith(["moto_server"], ["python3-venv, and the packages of .ci/peers.txt"]);

describe(`moto as AWS (its known shortcuts: ${SHORTCUTS.join("; ")})`, () => {
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
    return all.filter(({ ok }) => ok !== true).map(({ says }) => [says, lines]);
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
