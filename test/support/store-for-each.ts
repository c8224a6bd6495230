import { afterAll, beforeAll, beforeEach } from "@jest/globals";
import type { Store } from "../../src/timeline/index.ts";
import { storeOn, type TestServer, testServer } from "./postgres.ts";

/** Each test of the file has a store of its own, on one server. `begin` is given it before the test. */
export function storeForEach(begin: (store: Store) => void | Promise<void>): void {
  let server: TestServer | undefined;
  let store: Store | undefined;
  beforeAll(async () => {
    server = await testServer();
  }, 60_000);
  beforeEach(async () => {
    await store?.close();
    store = await storeOn((await server?.database()) ?? "");
    await begin(store);
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await server?.close();
  }, 60_000);
}
