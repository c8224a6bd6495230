import { randomUUID } from "node:crypto";
import type { Clock } from "../aws/clock.ts";

export interface ConsulState {
  readonly datacenter: string;
  readonly nodeId: string;
  readonly version: string;
  readonly clock: Clock;
  readonly servers: number;
  /** Empty while there is no quorum. */
  leader: string;
  healthy: boolean;
  index: number;
  readonly kv: Map<string, string>;
  readonly services: Map<string, readonly string[]>;
  /** Names of checks that fail. */
  readonly critical: Set<string>;
}

/** Without a leader for so long after a restore. */
export const ELECTION_SECONDS = 3;

export function createConsulState(datacenter: string, version: string, clock: Clock): ConsulState {
  return {
    datacenter,
    nodeId: randomUUID(),
    version,
    clock,
    servers: 3,
    leader: "127.0.0.1:8300",
    healthy: true,
    index: 20,
    kv: new Map(),
    services: new Map([["consul", []]]),
    critical: new Set(),
  };
}
