import { expect, test } from "@jest/globals";
import { keepAnswers } from "../../src/readiness/kept-answers.ts";

/** Given checks of many runbooks at the same time; when each asks the same; then it's asked once, and again when the answer is old. */
test("an answer is requested once within its time, by whoever asks, and each key has its own", async () => {
  let [asked, at] = [0, 0];
  const answers = keepAnswers(
    async (key: string) => `${key}${++asked}`,
    1000,
    () => at,
  );
  expect(await Promise.all([answers("a"), answers("a"), answers("b")])).toEqual(["a1", "a1", "b2"]);
  at = 999;
  expect(await answers("a")).toBe("a1");
  at = 1000;
  expect(await answers("a")).toBe("a3");
});

test("one that failed is not kept", async () => {
  let fails = true;
  const answers = keepAnswers(
    async () => {
      if (fails) throw new Error("Slack is away");
      return "there";
    },
    1000,
    () => 0,
  );
  await expect(answers("a")).rejects.toThrow("Slack is away");
  fails = false;
  expect(await answers("a")).toBe("there");
});
