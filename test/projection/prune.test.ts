import { expect, test } from "@jest/globals";
import { dropAtStart } from "../../src/projection/prune.ts";

test("a store that is away when what is left over is dropped ends no start", async () => {
  const away = { query: () => Promise.reject(new Error("Connection terminated unexpectedly")) };
  const said: unknown[] = [];
  const log = { warn: (fields: unknown) => void said.push(fields) };
  await dropAtStart(away as never, log as never, ["webhook"], []);
  expect(said).toMatchObject([{ event: "outbox.left_over" }]);
});
