import { z } from "zod";
import { accountChecks, accountInput, type Found, isNamed, isTagged, tagsOf } from "../account-drift.ts";
import { awsErrorOf, type Identity, identify } from "../aws.ts";
import type { ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";
import { pagesOf, withRds } from "./client.ts";

const input = z.strictObject(accountInput);
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly found: Found;
}

/** Which RDS instances and clusters of the system no runbook names. An instance of a cluster goes with its cluster. */
export const unlisted = defineLook<Input, Seen>({
  id: "rds.unlisted",
  summary: "See which RDS instances and clusters of a system are in no runbook",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  goesWithout: () => "all",
  async observe(ctx, given) {
    const [identity, found] = await Promise.all([identify(ctx, given), look(ctx, given)]);
    return { identity, found };
  },
  facts: () => [],
  checks: ({ identity, found }, given) =>
    accountChecks(found, identity, given, {
      ...{ kind: "rds", many: "RDS databases" },
      allow: "rds:DescribeDBInstances and rds:DescribeDBClusters",
    }),
  where: ({ region }) => region,
});

async function look(ctx: ReadContext, given: Input): Promise<Found> {
  try {
    const things = await withRds(ctx, given, "read", async (rds, within) => {
      const [instances, clusters] = await Promise.all([
        pagesOf((from) => rds.describeDBInstances(from, within)),
        pagesOf((from) => rds.describeDBClusters(from, within)),
      ]);
      const alone = instances.flatMap(({ DBInstances = [] }) => DBInstances).filter((one) => !one.DBClusterIdentifier);
      return [
        ...alone.map((one) => ({ name: one.DBInstanceIdentifier ?? "", tags: tagsOf(one.TagList) })),
        ...clusters.flatMap(({ DBClusters = [] }) =>
          DBClusters.map((one) => ({ name: one.DBClusterIdentifier ?? "", tags: tagsOf(one.TagList) })),
        ),
      ];
    });
    const ours = things.filter(({ name, tags }) => isNamed(name, given) || isTagged(tags, given));
    return { seen: true, things: ours.map(({ name }) => `rds/${name}`), unread: 0 };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { seen: false, why: kind === "silent" || kind === "throttled" ? null : says };
  }
}
