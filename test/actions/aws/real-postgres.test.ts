import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { type Aws, anInstance, createAws } from "../../../practice/targets/aws/index.ts";
import { openShop, type Shop } from "../shop.ts";
import { ACCOUNT, EAST, rdsPlace, WEST } from "./stand.ts";

/** RDS's wire in front of real servers: a promotion that succeeds can be written to, and one that lied can not. */
let shop: Shop;
let aws: Aws;
beforeAll(async () => {
  [shop, aws] = await Promise.all([openShop(), createAws({ scale: 0.003, account: ACCOUNT })]);
  process.env.AWS_ENDPOINT_URL = aws.url;
}, 60_000);
afterAll(async () => {
  await Promise.all([shop?.environment.stop(), aws?.close()]);
}, 30_000);

test("promoting the replica promotes a real standby, behind a real fence", async () => {
  await shop.whole();
  const [a, b] = [shop.a, shop.b];
  aws.state.instances.set(`${EAST}/${a.name}`, anInstance({ id: a.name, region: EAST, port: a.port }));
  aws.state.instances.set(
    `${WEST}/${b.name}`,
    anInstance({
      id: b.name,
      region: WEST,
      port: b.port,
      source: { id: a.name, region: EAST },
      onPromote: () => asOwner(shop.superuser(b), "select pg_promote(true, 60)"),
    }),
  );
  aws.state.metrics.set(`AWS/RDS ReplicaLag ${b.name}`, 0);
  const conductor = shop.conductor();
  const given = { ...rdsPlace(WEST), replica: b.name, fenceStep: "fence", maxLagSeconds: 60 };

  await expect(conductor.perform("promote", "rds.promote_replica", given)).rejects.toThrow("evidence.fence");
  await conductor.perform("fence", "postgres.fence", { node: a, app: shop.app });
  await conductor.perform("drain", "postgres.drain", { from: a, to: b, fenceStep: "fence" });
  const promoted = await conductor.perform("promote", "rds.promote_replica", given);
  expect(promoted.facts.endpoint).toBe(`127.0.0.1:${b.port}`);

  const { evidence } = await conductor.perform("verify", "postgres.verify", {
    node: b,
    writesAs: shop.app,
    queries: [{ sql: "select count(*) from orders", label: "orders", min: 1 }],
  });
  expect(evidence.says).toContain(b.name);
}, 60_000);

async function asOwner(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
