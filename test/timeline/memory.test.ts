import { describe } from "@jest/globals";
import { timelineContract } from "./contract/decide.ts";
import { inboxContract } from "./contract/inbox.ts";
import { leaseContract } from "./contract/leases.ts";
import { memoryStores, useStores } from "./contract/stores.ts";

/** The store in memory keeps the promises of PostgreSQL's, however requests and answers pass each other. */
describe.each([1, 2, 3, 4, 5, 6, 7, 8])("in order %i", (seed) => {
  const stores = useStores(memoryStores(seed));
  timelineContract(stores);
  inboxContract(stores);
});

describe("leases", () => leaseContract(useStores(memoryStores(1))));
