import { expect, test } from "@jest/globals";
import { PATIENCE_SECONDS, soon, type Waiting, within } from "../../../practice/environment/patience.ts";

test("practice waits for minutes: a busy machine is not a broken one", () => {
  expect(PATIENCE_SECONDS).toBeGreaterThanOrEqual(120);
});

test("a look that throws counts as not yet", async () => {
  let looks = 0;
  const seen = await soon("the third look", async () => {
    looks += 1;
    if (looks < 3) throw new Error("not listening");
    return "ready";
  });
  expect([seen, looks]).toEqual(["ready", 3]);
});

test("what is waited for is told meanwhile, with why it isn't so, and named when it never comes", async () => {
  const told: Waiting[] = [];
  const never = async () => {
    throw new Error("not listening");
  };
  const options = { tell: (waiting: Waiting) => told.push(waiting), tellSeconds: 0 };
  await expect(within(0.1, "orders-a answering", never, options)).rejects.toThrow(
    "orders-a answering did not happen within 0.1 s",
  );
  expect(told[0]).toMatchObject({ event: "practice.waiting", what: "orders-a answering" });
  expect(String(told.at(-1)?.err)).toContain("not listening");
});
