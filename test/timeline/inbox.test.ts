import { describe } from "@jest/globals";
import { inboxContract } from "./contract/inbox.ts";
import { postgresStores, useStores } from "./contract/stores.ts";

const stores = useStores(postgresStores());
describe("the contract", () => inboxContract(stores));
