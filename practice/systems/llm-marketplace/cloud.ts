import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseHost } from "../../environment/database.ts";
import { type Aws, anInstance, createAws, type Instance, type RecordSet } from "../../targets/aws/index.ts";
import { ask, type Databases } from "./databases.ts";
import {
  ACCOUNT,
  ADDRESS,
  ARC_REGIONS,
  BUCKETS,
  CONTROLS,
  EAST,
  GROUPS,
  INSTANCES,
  instanceAt,
  PRIMARY,
  PUBLIC_NAME,
  REGIONS,
  REPLICA,
  SIDES,
  WEST,
  ZONE,
} from "./names.ts";

/** 1 s of AWS is 2 ms: a promotion of four minutes takes half a second, a replica of ten minutes 1.2 s. */
const SCALE = 0.002;
/** CloudWatch's minute, on that clock and a little longer: each look asks a real server. */
const METRICS_MS = 250;

/** AWS as this company uses it, in front of the real servers. */
export interface Cloud {
  readonly aws: Aws;
  /** Where the instance that an endpoint names listens; null: there is none. */
  lookUp(endpoint: string): { readonly host: string; readonly port: number } | null;
  reset(): void;
  /** As a move to us-west-2 leaves it behind. */
  moved(): void;
  addSnapshot(id: string): void;
  close(): Promise<void>;
}

export async function createCloud(databases: Databases): Promise<Cloud> {
  const aws = await createAws({ scale: SCALE, account: ACCOUNT });
  const { state } = aws;
  const { spare } = databases;

  const standing = (of: Pick<Instance, "id" | "region"> & Partial<Instance>, host: DatabaseHost): Instance => ({
    ...anInstance({ encrypted: true, parameterGroup: of.region === EAST ? GROUPS.east : GROUPS.west, ...of }),
    port: host.port,
    async onPromote() {
      await databases.promote(host);
      // A promoted instance is backed up at once, as one whose backups are switched on.
      state.snapshots.push({
        id: `rds-${of.id}-${state.snapshots.length}`,
        region: of.region,
        instance: of.id,
        status: "available",
        at: new Date(),
      });
    },
    async onFailover() {
      await host.kill();
      await host.start();
    },
    async onParameters(values) {
      const on = values.get("default_transaction_read_only") === "1";
      if (!host.running) {
        // Its file is RDS's: it begins with what the group says, however soon it comes back.
        await appendFile(
          join(host.folder, "postgresql.auto.conf"),
          `default_transaction_read_only = ${on ? "on" : "off"}\n`,
        );
        throw new Error(`${host.name} is down and takes in no parameters`);
      }
      await ask(host, `alter system ${on ? "set" : "reset"} default_transaction_read_only${on ? " = on" : ""}`);
      await ask(host, "select pg_reload_conf()");
    },
  });
  const add = (one: Instance) => state.instances.set(`${one.region}/${one.id}`, one);

  const hostOf = ({ id, region }: Pick<Instance, "id" | "region">): DatabaseHost =>
    SIDES.flatMap((side) => (INSTANCES[side] === id && REGIONS[side] === region ? [databases[side]] : []))[0] ?? spare;
  state.onCreate = async (made) => {
    const host = hostOf(made);
    const { source, parameterGroup } = made;
    if (source === null) await host.start();
    else await databases.follow(host, hostOf(source));
    Object.assign(made, { ...standing(made, host), parameterGroup });
    // A new instance takes in what its group says already, as a fence of the one before it.
    await made.onParameters?.(state.parameterGroups.get(`${made.region}/${parameterGroup}`) ?? new Map());
  };
  state.onDelete = async ({ port }) => {
    const host = databases.all.find((one) => one.port === port);
    if (host) await databases.off(host);
  };

  let measuring = false;
  const measure = setInterval(async () => {
    if (measuring) return;
    measuring = true;
    for (const side of SIDES) {
      const [host, id] = [databases[side], INSTANCES[side]];
      const lag = host.running ? await databases.lagSeconds(host).catch(() => null) : null;
      const key = `AWS/RDS ReplicaLag ${id}`;
      if (lag === null) state.metrics.delete(key);
      else state.metrics.set(key, Math.round(lag * 10) / 10);
    }
    measuring = false;
  }, METRICS_MS);
  measure.unref();

  const route = (east: number, west: number): RecordSet[] => [
    {
      name: PUBLIC_NAME,
      type: "A",
      setIdentifier: EAST,
      weight: east,
      healthCheck: "hc-east",
      ttl: 30,
      values: [ADDRESS.east],
    },
    {
      name: PUBLIC_NAME,
      type: "A",
      setIdentifier: WEST,
      weight: west,
      healthCheck: "hc-west",
      ttl: 30,
      values: [ADDRESS.west],
    },
  ];

  const east = aws.s3.add(BUCKETS.east, EAST);
  const west = aws.s3.add(BUCKETS.west, WEST);
  west.rules.push({ id: "to-us-east-1", destination: BUCKETS.east, prefix: "", seconds: 30, enabled: true });
  east.rules.push({ id: "to-us-west-2", destination: BUCKETS.west, prefix: "", seconds: 30, enabled: true });
  for (const day of ["19", "20", "21"]) aws.s3.put(BUCKETS.east, `database/2026-11-${day}.dump`, `dump of the ${day}`);

  const reset = () => {
    aws.faults.clear();
    aws.ledger.clear();
    for (const part of [state.instances, state.metrics, state.healthChecks, state.controls]) part.clear();
    state.events.splice(0);
    state.snapshots.splice(0);
    state.parameterGroups.clear();
    state.parameterGroups.set(`${EAST}/${GROUPS.east}`, new Map()).set(`${WEST}/${GROUPS.west}`, new Map());
    add(standing({ id: PRIMARY, region: EAST, multiAz: true }, databases.east));
    add(standing({ id: REPLICA, region: WEST, source: { id: PRIMARY, region: EAST } }, databases.west));
    for (const side of SIDES) {
      state.controls.set(CONTROLS[side], "On");
      state.healthChecks.set(`hc-${side}`, {
        id: `hc-${side}`,
        version: 1,
        disabled: false,
        inverted: false,
        endpointUp: true,
        routingControl: CONTROLS[side],
      });
    }
    // No one may ever turn off the last way in.
    state.rules.splice(0, state.rules.length, {
      arn: `${CONTROLS.east.split("/routingcontrol")[0]}/safetyrule/one-on`,
      controls: Object.values(CONTROLS),
      atLeast: 1,
    });
    const records = route(100, 0);
    state.zones.set(ZONE, { id: ZONE, records, served: records, protections: [], busyUntil: 0 });
  };

  return {
    aws,
    lookUp(endpoint) {
      const named = instanceAt(endpoint);
      const found = named && state.instances.get(`${named.region}/${named.id}`);
      return found ? { host: found.host, port: found.port } : null;
    },
    reset,
    moved() {
      reset();
      add(standing({ id: REPLICA, region: WEST }, databases.west));
      state.parameterGroups.get(`${EAST}/${GROUPS.east}`)?.set("default_transaction_read_only", "1");
      state.controls.set(CONTROLS.east, "Off");
    },
    addSnapshot(id) {
      state.snapshots.push({ id, region: EAST, instance: PRIMARY, status: "available", at: new Date() });
    },
    async close() {
      clearInterval(measure);
      await aws.close();
    },
  };
}

/** The cluster endpoints of ARC: one address here, told apart by the region in the signature. */
export function arcEndpoints(aws: Aws): readonly { readonly region: string; readonly url: string }[] {
  return ARC_REGIONS.map((region) => ({ region, url: aws.url }));
}
