import type { Route } from "../../kit/plain.ts";
import { Refusal } from "../../kit/refusal.ts";
import { readSnapshot, writeSnapshot } from "./archive.ts";
import { type ConsulState, ELECTION_SECONDS } from "./state.ts";

/** Consul's HTTP API, as far as its actions use it: catalogue, health, sessions, keys, prepared queries, snapshots, leadership. */
export function consulRoutes(world: ConsulState): readonly Route[] {
  const led = () => {
    if (world.leader === "") throw new Refusal("no_leader", "No cluster leader", 500);
  };
  const headers = () => ({
    "x-consul-index": String(world.index),
    "x-consul-knownleader": String(world.leader !== ""),
  });
  return [
    {
      operation: "StatusLeader",
      method: "GET",
      path: /^\/v1\/status\/leader$/,
      act: () => ({ body: JSON.stringify(world.leader), headers: { "content-type": "application/json" } }),
    },
    {
      operation: "AgentSelf",
      method: "GET",
      path: /^\/v1\/agent\/self$/,
      act: () => ({
        body: {
          Config: {
            Datacenter: world.datacenter,
            NodeName: `${world.datacenter}-1`,
            NodeID: world.nodeId,
            Server: true,
            Version: world.version,
          },
        },
      }),
    },
    {
      operation: "AutopilotHealth",
      method: "GET",
      path: /^\/v1\/operator\/autopilot\/health$/,
      act() {
        led();
        const body = {
          Healthy: world.healthy,
          FailureTolerance: world.healthy ? Math.floor((world.servers - 1) / 2) : 0,
          Servers: Array.from({ length: world.servers }, (_, i) => ({
            Name: `${world.datacenter}-${i + 1}`,
            Version: world.version,
            Leader: i === 0,
            Healthy: world.healthy || i === 0,
          })),
        };
        return { status: world.healthy ? 200 : 429, body };
      },
    },
    {
      operation: "HealthState",
      method: "GET",
      path: /^\/v1\/health\/state\/critical$/,
      act: () => ({
        body: [...world.critical].map((CheckID) => ({ CheckID, Status: "critical", ServiceName: CheckID })),
      }),
    },
    {
      operation: "CatalogServices",
      method: "GET",
      path: /^\/v1\/catalog\/services$/,
      act() {
        led();
        return { body: Object.fromEntries(world.services), headers: headers() };
      },
    },
    {
      operation: "KvKeys",
      method: "GET",
      path: /^\/v1\/kv\/(.*)$/,
      act({ parts: [key = ""], query }) {
        led();
        if (query.has("keys")) {
          const keys = [...world.kv.keys()].filter((one) => one.startsWith(key)).sort();
          if (keys.length === 0) throw new Refusal("not_found", "", 404);
          return { body: keys, headers: headers() };
        }
        if (query.has("recurse")) {
          const found = [...world.kv].filter(([one]) => one.startsWith(key)).sort();
          if (found.length === 0) throw new Refusal("not_found", "", 404);
          const body = found.map(([Key, held]) => ({ Key, Flags: 0, Value: Buffer.from(held).toString("base64") }));
          return { body, headers: headers() };
        }
        const value = world.kv.get(key);
        if (value === undefined) throw new Refusal("not_found", "", 404);
        return query.has("raw")
          ? { body: value }
          : { body: [{ Key: key, Value: Buffer.from(value).toString("base64") }] };
      },
    },
    {
      operation: "KvPut",
      method: "PUT",
      path: /^\/v1\/kv\/(.+)$/,
      act({ parts: [key = ""], body }) {
        led();
        return {
          body: "true",
          effect() {
            world.kv.set(key, body.toString("utf8"));
            world.index += 1;
          },
        };
      },
    },
    {
      operation: "SnapshotSave",
      method: "GET",
      path: /^\/v1\/snapshot$/,
      act() {
        led();
        return { body: writeSnapshot(world), headers: headers() };
      },
    },
    {
      operation: "SnapshotRestore",
      method: "PUT",
      path: /^\/v1\/snapshot$/,
      act({ body }) {
        led();
        const state = readSnapshot(body);
        return {
          body: "",
          effect() {
            world.kv.clear();
            world.services.clear();
            for (const [key, value] of state.kv) world.kv.set(key, value);
            for (const [name, tags] of state.services) world.services.set(name, tags);
            world.index += 1;
            const { leader } = world;
            world.leader = "";
            world.clock.after(ELECTION_SECONDS, () => {
              world.leader = leader;
            });
          },
        };
      },
    },
  ];
}
