import type { ApplyContext } from "../contract.ts";
import { until } from "../poll.ts";
import { type Cluster, query } from "./client.ts";
import { type ClusterView, glance, lookAtCluster, type Member, memberNamed, sayMembers } from "./view.ts";

/**
 * Waits until every API that answers names this member as leader, its PostgreSQL takes writes, and every other member that
 * runs is on its timeline. A write that leaves nothing behind is part of the look.
 */
export async function seenLeading(
  ctx: ApplyContext,
  cluster: Cluster,
  name: string,
  fromTimeline: number | null,
): Promise<ClusterView> {
  let last: ClusterView | null = null;
  await until(
    {
      what: `${name} leading ${cluster.name}, and all others on its timeline`,
      seconds: ctx.budget.failSeconds / 2,
      everyMilliseconds: 200,
      signal: ctx.signal,
      stateNow: () => (last === null ? "It was not looked at" : sayMembers(last) || "No API answers"),
    },
    async () => {
      last = await glance(ctx, cluster);
      const leader = memberNamed(last, last.leader);
      if (leader?.name !== name || !leader.runs || leader.timeline === null) return null;
      if (fromTimeline !== null && leader.timeline <= fromTimeline) return null;
      const others = last.members.filter((member) => member.runs && member.name !== name);
      if (others.some((member) => member.timeline !== leader.timeline)) return null;
      return await takesWrites(ctx, cluster, leader);
    },
  );
  return await lookAtCluster(ctx, cluster);
}

async function takesWrites(ctx: ApplyContext, cluster: Cluster, leader: Member): Promise<true | null> {
  try {
    await query(ctx, cluster, leader, [
      "begin",
      "create temporary table lifeboat_probe (written int) on commit drop",
      "insert into pg_temp.lifeboat_probe values (1)",
      "rollback",
    ]);
    return true;
  } catch (error) {
    ctx.signal.throwIfAborted();
    // 42501: it takes writes, only not this one. A server that is read-only says so (25006) before it looks at grants.
    return (error as { code?: unknown }).code === "42501" ? true : null;
  }
}
