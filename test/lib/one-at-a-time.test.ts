import { expect, test } from "@jest/globals";
import { oneAtATime } from "../../src/lib/one-at-a-time.ts";

test("a call while it runs gets work that began after it, shared, and a failure ends only its own", async () => {
  const begun: ((failed?: Error) => void)[] = [];
  const work = oneAtATime(
    () => new Promise((resolve, reject) => begun.push((failed) => (failed ? reject(failed) : resolve()))),
  );
  const first = work.run();
  const [second, third] = [work.run(), work.run()];
  expect(second).toBe(third);
  expect(begun).toHaveLength(1);
  begun[0]?.(new Error("away"));
  await expect(first).rejects.toThrow("away");
  const settled = work.settled();
  while (begun.length < 2) await Promise.resolve();
  begun[1]?.();
  await Promise.all([second, settled]);
  expect(begun).toHaveLength(2);
});
