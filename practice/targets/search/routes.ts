import type { Route } from "../../kit/plain.ts";
import { indexRoutes } from "./indices.ts";
import { snapshotRoutes } from "./snapshots.ts";
import { find, healthOf, type SearchClusterState } from "./state.ts";

/** What a cluster answers, in the words Elasticsearch and OpenSearch have in common. */
export function searchRoutes(state: SearchClusterState): readonly Route[] {
  return [...clusterRoutes(state), ...snapshotRoutes(state), ...indexRoutes(state)];
}

function clusterRoutes(state: SearchClusterState): readonly Route[] {
  return [
    {
      operation: "Info",
      method: "GET",
      path: /^\/$/,
      act: () => ({
        body: {
          name: `${state.name}-1`,
          cluster_name: state.name,
          cluster_uuid: state.uuid,
          version: {
            number: state.version,
            ...(state.distribution === "opensearch" ? { distribution: "opensearch" } : {}),
          },
        },
      }),
    },
    {
      operation: "ClusterHealth",
      method: "GET",
      path: /^\/_cluster\/health(?:\/([^/]+))?$/,
      act({ parts: [name] }) {
        const index = name ? find(state, name) : undefined;
        const moving = [...state.indices.values()].filter((one) => one.restoring && (!index || one === index)).length;
        return {
          body: {
            cluster_name: state.name,
            status: healthOf(state, index),
            timed_out: false,
            number_of_nodes: state.nodes,
            number_of_data_nodes: state.nodes,
            active_shards: state.indices.size - moving,
            initializing_shards: moving,
            unassigned_shards: 0,
          },
        };
      },
    },
    {
      operation: "NodesStats",
      method: "GET",
      path: /^\/_nodes\/stats\/fs$/,
      act: () => ({
        body: {
          nodes: Object.fromEntries(
            Array.from({ length: state.nodes }, (_, i) => [
              `node-${i + 1}`,
              {
                roles: ["data", "ingest"],
                fs: {
                  total: {
                    total_in_bytes: Math.round(state.disk.total / state.nodes),
                    available_in_bytes: Math.round(state.disk.available / state.nodes),
                  },
                },
              },
            ]),
          ),
        },
      }),
    },
  ];
}
