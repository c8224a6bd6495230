import type { Route } from "../../kit/plain.ts";
import { indexRoutes } from "./indices.ts";
import { snapshotRoutes } from "./snapshots.ts";
import { type ClusterWorld, find, healthOf } from "./world.ts";

/** What a cluster answers, in the words Elasticsearch and OpenSearch have in common. */
export function searchRoutes(world: ClusterWorld): readonly Route[] {
  return [...clusterRoutes(world), ...snapshotRoutes(world), ...indexRoutes(world)];
}

function clusterRoutes(world: ClusterWorld): readonly Route[] {
  return [
    {
      operation: "Info",
      method: "GET",
      path: /^\/$/,
      act: () => ({
        body: {
          name: `${world.name}-1`,
          cluster_name: world.name,
          cluster_uuid: world.uuid,
          version: {
            number: world.version,
            ...(world.distribution === "opensearch" ? { distribution: "opensearch" } : {}),
          },
        },
      }),
    },
    {
      operation: "ClusterHealth",
      method: "GET",
      path: /^\/_cluster\/health(?:\/([^/]+))?$/,
      act({ parts: [name] }) {
        const index = name ? find(world, name) : undefined;
        const moving = [...world.indices.values()].filter((one) => one.restoring && (!index || one === index)).length;
        return {
          body: {
            cluster_name: world.name,
            status: healthOf(world, index),
            timed_out: false,
            number_of_nodes: world.nodes,
            number_of_data_nodes: world.nodes,
            active_shards: world.indices.size - moving,
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
            Array.from({ length: world.nodes }, (_, i) => [
              `node-${i + 1}`,
              {
                roles: ["data", "ingest"],
                fs: {
                  total: {
                    total_in_bytes: Math.round(world.disk.total / world.nodes),
                    available_in_bytes: Math.round(world.disk.available / world.nodes),
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
