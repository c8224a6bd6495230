import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Aws, createAws } from "../../../practice/targets/aws/index.ts";
import type { FailureSuite } from "../../support/failure-case.ts";
import { over, type StandInFixture } from "../with-faults.ts";

export type AwsFixture = Aws & StandInFixture;
export const ACCOUNT = "111122223333";
export const source = { bucket: "media-east", region: "us-east-1", account: ACCOUNT };
export const destination = { bucket: "media-west", region: "us-west-2", account: ACCOUNT };

/** Two regions of AWS, and three objects in the east. */
export async function begin(): Promise<AwsFixture> {
  const aws = await createAws({ scale: 0.001 });
  process.env.AWS_ENDPOINT_URL = aws.url;
  const { s3 } = aws;
  s3.add("media-east", "us-east-1");
  s3.add("media-west", "us-west-2");
  for (const n of [1, 2, 3]) {
    s3.put("media-east", `img/${n}.png`, `picture ${n}`, {
      headers: { "content-type": "image/png", "x-amz-meta-by": "me" },
    });
  }
  const close = async () => {
    delete process.env.AWS_ENDPOINT_URL;
    await aws.close();
  };
  return { ...aws, close, secrets: {} };
}
export const parity = ({ s3 }: Aws) => {
  const [east, west] = [s3.buckets.get("media-east")?.objects, s3.buckets.get("media-west")?.objects];
  return [...(east?.values() ?? [])].every((one) => west?.get(one.key)?.body.equals(one.body));
};

const sync = over<AwsFixture>({
  action: "s3.sync",
  operation: "PutObject",
  requests: 3,
  absolute: "a put that is repeated is the same object again",
  create: begin,
  input: () => ({ source, destination }),
  holds: parity,
  byHand({ s3 }) {
    for (const one of s3.buckets.get("media-east")?.objects.values() ?? []) {
      s3.buckets.get("media-west")?.objects.set(one.key, { ...one, replication: "REPLICA" });
    }
  },
  wrong: ({ s3 }) => void s3.put("media-west", "img/1.png", "younger", { at: new Date(Date.now() + 60_000) }),
  other: ({ s3 }) => void Object.assign(s3.buckets.get("media-west") ?? {}, { owner: "999988887777" }),
});

/** What an application reads: over HTTP, while it runs. */
interface SettingsServer extends AwsFixture {
  readonly settings: Record<string, string>;
  readonly puts: string[];
  readonly url: string;
}

async function withSettings(): Promise<SettingsServer> {
  const fixture = await begin();
  const settings = { bucket: "media-east", region: "us-east-1", theme: "dark" };
  const puts: string[] = [];
  const server: Server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if (request.method === "PUT") {
      puts.push(body);
      const fault = fixture.faults.take("PutSettings")?.kind ?? null;
      const happens = fault !== "fail" && fault !== "lie" && fault !== "throttle" && fault !== "hang";
      const outcome = happens ? "accepted" : fault === "lie" ? "answered" : "refused";
      fixture.ledger.write({
        service: "app",
        region: "app",
        operation: "PutSettings",
        given: {},
        outcome,
        code: null,
        fault,
      });
      if (happens) Object.assign(settings, JSON.parse(body));
      if (fault === "hang" || fault === "hangAfter") return;
      if (fault === "dropAfter") return void response.destroy();
      if (fault === "throttle") return void response.writeHead(429).end();
      if (fault === "fail" || fault === "failAfter") return void response.writeHead(500).end();
    }
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(settings));
  });
  await new Promise<void>((open) => server.listen(0, "127.0.0.1", open));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/settings`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await fixture.close();
  };
  return { ...fixture, settings, puts, url, close };
}
const overHttp = (url: string) => ({
  from: source,
  to: destination,
  setting: { in: { kind: "http", url }, keys: { bucket: "bucket", region: "region" } },
});

const switchActive = over<SettingsServer>({
  action: "s3.switch_active",
  operation: "PutSettings",
  create: withSettings,
  input: ({ url }) => overHttp(url),
  holds: ({ settings }) =>
    settings.bucket === "media-west" && settings.region === "us-west-2" && settings.theme === "dark",
  byHand: ({ settings }) => void Object.assign(settings, { bucket: "media-west", region: "us-west-2" }),
  wrong: ({ settings }) => void Object.assign(settings, { bucket: "somewhere-else" }),
  other: ({ s3 }) => void Object.assign(s3.buckets.get("media-west") ?? {}, { owner: "999988887777" }),
});

export const suite: FailureSuite = { cases: [sync, switchActive] };
