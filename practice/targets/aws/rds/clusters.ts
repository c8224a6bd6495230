import { Refusal } from "../../../kit/refusal.ts";
import { ordinaryCluster, ordinaryGlobal } from "../ordinary.ts";
import { type AwsState, arnOf, type Cluster, type Global } from "../state.ts";
import type { Call, Operation } from "../turn.ts";
import { items, type Xml } from "../xml.ts";
import { bare, TOOK, text, UNSEEN } from "./call.ts";

/** Aurora: clusters, and global clusters over regions. */
export function clusterOperations(state: AwsState): Readonly<Record<string, Operation>> {
  const { clock } = state;

  return {
    DescribeDBClusters(call) {
      const id = text(call, "DBClusterIdentifier");
      const found = [...state.clusters.values()].filter(
        (one) => one.region === call.region && (!id || one.id === bare(id)),
      );
      if (id && found.length === 0) throw new Refusal("DBClusterNotFoundFault", `DBCluster ${id} not found.`, 404);
      return {
        answer: {
          DBClusters: items(
            "DBCluster",
            found.map((one) => clusterXml(state, one)),
          ),
        },
      };
    },

    FailoverDBCluster(call) {
      const id = text(call, "DBClusterIdentifier") ?? "";
      const cluster = state.clusters.get(`${call.region}/${id}`);
      if (!cluster) throw new Refusal("DBClusterNotFoundFault", `DBCluster ${id} not found.`, 404);
      if (cluster.engine === "mysql" && text(call, "TargetDBInstanceIdentifier")) {
        throw new Refusal("InvalidParameterCombination", "TargetDBInstanceIdentifier isn't supported for this engine.");
      }
      const to = text(call, "TargetDBInstanceIdentifier") ?? cluster.members.find((one) => one !== cluster.writer);
      if (cluster.status !== "available" || !to || !cluster.members.includes(to) || to === cluster.writer) {
        throw new Refusal("InvalidDBClusterStateFault", `Cluster ${id} cannot fail over to ${to}.`);
      }
      return {
        answer: { DBCluster: clusterXml(state, cluster) },
        effect() {
          clock.after(UNSEEN, () => {
            cluster.status = "failing-over";
          });
          clock.after(TOOK.failover, () => {
            cluster.writer = to;
            cluster.status = "available";
          });
        },
      };
    },

    DescribeGlobalClusters(call) {
      const id = text(call, "GlobalClusterIdentifier");
      const found = [...state.globals.values()].filter((one) => !id || one.id === id);
      if (id && found.length === 0) throw new Refusal("GlobalClusterNotFoundFault", `${id} not found.`, 404);
      return {
        answer: {
          GlobalClusters: items(
            "GlobalClusterMember",
            found.map((one) => globalXml(state, one)),
          ),
        },
      };
    },

    SwitchoverGlobalCluster: (call) => moveGlobal(state, call, "switching-over"),
    FailoverGlobalCluster(call) {
      const loss = text(call, "AllowDataLoss") === "true";
      // Left out, AWS takes it for a switchover, which waits for a region that is gone.
      return moveGlobal(state, call, loss ? "failing-over" : "switching-over");
    },
  };
}

function moveGlobal(state: AwsState, call: Call, status: string) {
  const id = text(call, "GlobalClusterIdentifier") ?? "";
  const to = text(call, "TargetDbClusterIdentifier") ?? "";
  const one = state.globals.get(id);
  if (!one) throw new Refusal("GlobalClusterNotFoundFault", `${id} not found.`, 404);
  const from = one.members.find((member) => member.writer)?.arn ?? "";
  if (one.state || from === to || !one.members.some((member) => member.arn === to)) {
    throw new Refusal("InvalidGlobalClusterStateFault", `Global cluster ${id} cannot move to ${to}.`);
  }
  return {
    answer: { GlobalCluster: globalXml(state, one) },
    effect() {
      state.clock.after(UNSEEN, () => {
        one.state = { status, from, to, lossAllowed: status === "failing-over" };
      });
      state.clock.after(TOOK.global, () => {
        for (const member of one.members) member.writer = member.arn === to;
        one.state = null;
      });
    },
  };
}

function clusterXml(state: AwsState, one: Cluster): Xml {
  return {
    ...ordinaryCluster(one),
    DBClusterIdentifier: one.id,
    Status: one.status,
    TagList: items(
      "Tag",
      Object.entries(one.tags ?? {}).map(([Key, Value]) => ({ Key, Value })),
    ),
    DBClusterArn: arnOf(state, "cluster", one.region, one.id),
    DBClusterMembers: items(
      "DBClusterMember",
      one.members.map((id) => ({
        DBInstanceIdentifier: id,
        IsClusterWriter: id === one.writer,
        DBClusterParameterGroupStatus: "in-sync",
        PromotionTier: 1,
      })),
    ),
  };
}

function globalXml(state: AwsState, one: Global): Xml {
  const readers = one.members.filter(({ writer }) => !writer).map(({ arn }) => arn);
  return {
    ...ordinaryGlobal(one),
    GlobalClusterIdentifier: one.id,
    GlobalClusterArn: `arn:aws:rds::${state.account}:global-cluster:${one.id}`,
    Status: one.state ? "modifying" : "available",
    GlobalClusterMembers: items(
      "GlobalClusterMember",
      one.members.map(({ arn, writer, synchronization }) => ({
        DBClusterArn: arn,
        Readers: items("member", writer ? readers : []),
        IsWriter: writer,
        SynchronizationStatus: synchronization,
      })),
    ),
    FailoverState: one.state
      ? {
          Status: one.state.status,
          FromDbClusterArn: one.state.from,
          ToDbClusterArn: one.state.to,
          IsDataLossAllowed: one.state.lossAllowed,
        }
      : undefined,
  };
}
