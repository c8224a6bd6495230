import { isNamed, isTagged, lookForUnlisted, tagsOf } from "../account-drift.ts";
import { pagesOf, withRds } from "./client.ts";

/** Which RDS instances and clusters of the system no runbook names. An instance of a cluster goes with its cluster. */
export const unlisted = lookForUnlisted("rds.unlisted", {
  summary: "See which RDS instances and clusters of a system are in no runbook",
  ...{ kind: "rds", many: "RDS databases" },
  allow: "rds:DescribeDBInstances and rds:DescribeDBClusters",
  async ours(ctx, given) {
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
    return { things: ours.map(({ name }) => `rds/${name}`), unread: 0 };
  },
});
