import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { type Aws, anInstance, createAws } from "../../../practice/targets/aws/index.ts";
import { type DatabaseFixture, openDatabaseFixture } from "../../support/database-fixture.ts";
import { ACCOUNT, EAST, rdsPlace, WEST } from "./fixture.ts";

/** RDS's wire in front of real servers: a promotion that succeeds can be written to, and one that lied can't. */
let databases: DatabaseFixture;
let aws: Aws;
beforeAll(async () => {
  [databases, aws] = await Promise.all([openDatabaseFixture(), createAws({ scale: 0.003, account: ACCOUNT })]);
  process.env.AWS_ENDPOINT_URL = aws.url;
}, 60_000);
afterAll(async () => {
  await Promise.all([databases?.environment.stop(), aws?.close()]);
}, 30_000);

test("promoting the replica promotes a real standby, behind a real fence", async () => {
  await databases.whole();
  const [a, b] = [databases.a, databases.b];
  aws.state.instances.set(`${EAST}/${a.name}`, anInstance({ id: a.name, region: EAST, port: a.port }));
  aws.state.instances.set(
    `${WEST}/${b.name}`,
    anInstance({
      id: b.name,
      region: WEST,
      port: b.port,
      source: { id: a.name, region: EAST },
      onPromote: () => asOwner(databases.superuser(b), "select pg_promote(true, 60)"),
    }),
  );
  aws.state.metrics.set(`AWS/RDS ReplicaLag ${b.name}`, 0);
  const harness = databases.harness();
  const given = { ...rdsPlace(WEST), replica: b.name, fenceStep: "fence", maxLagSeconds: 60 };

  await expect(harness.perform("promote", "rds.promote_replica", given)).rejects.toThrow("evidence.fence");
  await harness.perform("fence", "postgres.fence", { node: a, app: databases.app });
  await harness.perform("drain", "postgres.drain", { from: a, to: b, fenceStep: "fence" });
  const promoted = await harness.perform("promote", "rds.promote_replica", given);
  expect(promoted.facts.endpoint).toBe(`127.0.0.1:${b.port}`);

  const { evidence } = await harness.perform("verify", "postgres.verify", {
    node: b,
    writesAs: databases.app,
    queries: [{ sql: "select count(*) from orders", label: "orders", min: 1 }],
  });
  expect(evidence.says).toContain(b.name);
}, 60_000);

async function asOwner(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
