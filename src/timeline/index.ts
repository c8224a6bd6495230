/** What composition roots and tests may load of the store; the rest of the source knows its contract (`contract.ts`). */
export type * from "./contract.ts";
export { attemptsMax, type GivenUp, type VisibleInbox } from "./inbox.ts";
export { type LeaseTimings, leaseTimings } from "./leases.ts";
export { openStore, type Store, type StoreOptions } from "./open.ts";
export { isTransient, type Patience, patiently } from "./transient-errors.ts";
