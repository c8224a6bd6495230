import { createS3 } from "../../src/practice/estate/s3/index.ts";
import { conduct } from "../actions/conductor.ts";
import { insist, type Target } from "./target.ts";

export const s3: Target = {
  id: "s3",
  title: "S3, or what speaks it (MinIO)",
  settings: [
    { name: "S3_SOURCE", says: "a bucket with some objects" },
    { name: "S3_PREFIX", says: "only objects below it are looked at", otherwise: "" },
    { name: "S3_ENDPOINT", says: "where an S3 that is not AWS's answers; else S3_ACCOUNT", otherwise: "" },
    { name: "S3_ACCOUNT", says: "the twelve digits of the account the buckets belong to", otherwise: "" },
    { name: "S3_REGION", says: "the region of both buckets", otherwise: "us-east-1" },
    { name: "S3_CREDENTIALS", says: "access key:secret key; else what the SDK finds", otherwise: "" },
  ],
  mayChange: {
    is: "a bucket to copy into",
    does: "gets what it lacks of the other; nothing is deleted or overwritten",
  },
  async standIn() {
    const stand = await createS3();
    stand.store.add("contract-from", "us-east-1");
    stand.store.add("contract-to", "us-east-1");
    for (const n of [1, 2, 3]) stand.store.put("contract-from", `img/${n}.png`, `picture ${n}`);
    return {
      environment: { S3_SOURCE: "contract-from", S3_ENDPOINT: stand.url, S3_CREDENTIALS: "PRACTICE:practice" },
      mayChange: "contract-to",
      stop: () => stand.close(),
    };
  },
  deals({ setting, optional, environment, practice, mayChange }) {
    const conductor = conduct({ ...environment }, { practice });
    const bucket = (name: string) => ({
      bucket: name,
      region: setting("S3_REGION"),
      ...(optional("S3_ENDPOINT") ? { endpoint: setting("S3_ENDPOINT") } : { account: setting("S3_ACCOUNT") }),
      ...(optional("S3_CREDENTIALS") ? { credentialsFrom: "S3_CREDENTIALS" } : {}),
    });
    const source = bucket(setting("S3_SOURCE"));
    const prefix = optional("S3_PREFIX");
    const sync = { source, destination: bucket(mayChange ?? "lifeboat-is-not-here"), prefix };
    return [
      {
        says: "a bucket that is not there is said to be so, and nothing is sent",
        async hold() {
          const missing = { ...sync, destination: bucket("lifeboat-is-not-here-4711") };
          const { checks, done } = await conductor.look("s3.sync", missing);
          const blocks = checks.filter(({ ok, level }) => !ok && level === "block");
          insist(blocks.length > 0 && done === "unknown", "it was taken for one that is there");
          return blocks.map(({ says }) => says).join(" ");
        },
      },
      {
        says: "what another bucket lacks is copied, and a second time nothing is",
        changes: `${mayChange}: gets what it lacks of ${source.bucket}/${prefix}`,
        async hold() {
          await conductor.perform("copy", "s3.sync", sync);
          const again = await conductor.perform("again", "s3.sync", sync);
          insist(!again.applied, "the second time something was copied");
          return again.evidence.says;
        },
      },
    ];
  },
};
