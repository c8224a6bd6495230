import type { FaultKind } from "./faults.ts";

/** What goes wrong with a stand-in that names its operations: faults by operation, once per entry and in order. */
export interface FaultInjection {
  /** The next `times` calls of an operation (`RebootDBInstance`) meet this fault. */
  next(operation: string, fault: FaultKind, times?: number): void;
  /** Nothing in this region answers any more: connections are broken. */
  down(region: string): void;
  up(region: string): void;
  /** The caller may not do this (`rds:RebootDBInstance`). */
  deny(permission: string): void;
  clear(): void;
  isDown(region: string): boolean;
  isDenied(permission: string): boolean;
  take(operation: string): { readonly kind: FaultKind } | null;
}

export function createFaultInjection(): FaultInjection {
  const regions = new Set<string>();
  const denied = new Set<string>();
  let coming: { operation: string; kind: FaultKind }[] = [];
  return {
    next(operation, fault, times = 1) {
      for (let i = 0; i < times; i++) coming.push({ operation, kind: fault });
    },
    down: (region) => void regions.add(region),
    up: (region) => void regions.delete(region),
    deny: (permission) => void denied.add(permission),
    clear() {
      regions.clear();
      denied.clear();
      coming = [];
    },
    isDown: (region) => regions.has(region),
    isDenied: (permission) => denied.has(permission),
    take(operation) {
      const at = coming.findIndex((one) => one.operation === operation);
      return at < 0 ? null : (coming.splice(at, 1)[0] ?? null);
    },
  };
}
