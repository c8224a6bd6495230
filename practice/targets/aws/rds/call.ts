import { Refusal } from "../../../kit/refusal.ts";
import type { AwsState, Instance } from "../state.ts";
import type { Call } from "../turn.ts";

/** AWS needs about so long, in seconds, before the status shows that anything has begun. It is why waiters are fooled. */
export const UNSEEN = 3;
export const TOOK = {
  reboot: 75,
  promote: 240,
  restore: 900,
  modify: 120,
  replica: 600,
  failover: 30,
  global: 90,
  parameters: 12,
  delete: 400,
};

/** One page of a list, and where the next one begins. RDS answers 100 at most unless it is requested fewer. */
export function paged<T>(state: AwsState, call: Call, all: readonly T[]) {
  const from = Number(text(call, "Marker") ?? 0);
  const end = from + Math.min(state.pageSize, Number(text(call, "MaxRecords") ?? state.pageSize));
  return { found: all.slice(from, end), more: end < all.length ? { Marker: String(end) } : {} };
}

export function instance(state: AwsState, call: Call, id = text(call, "DBInstanceIdentifier")): Instance {
  const found = state.instances.get(`${call.region}/${bare(id ?? "")}`);
  if (!found) throw new Refusal("DBInstanceNotFound", `DBInstance ${id} not found.`, 404);
  return found;
}

export function available(one: Instance): Instance {
  if (one.status === "available") return one;
  throw new Refusal("InvalidDBInstanceState", `Instance ${one.id} is not in available state: ${one.status}.`);
}

export function bare(id: string): string {
  return (id.split(":").at(-1) ?? "").toLowerCase();
}

export function text(call: Call, name: string): string | undefined {
  const value = call.given[name];
  return typeof value === "string" ? value : undefined;
}

export function many(call: Call, name: string, part = ""): string[] {
  const found: string[] = [];
  for (let i = 1; ; i++) {
    const value = text(call, `${name}.${i}${part}`);
    if (value === undefined) return found;
    found.push(value);
  }
}
