import { expect, test } from "@jest/globals";
import { inputsFit } from "../../../templates/messages/run/inputs.ts";

test("a value or an input the card would cut leads through the list of all steps", () => {
  const inputs = (...values: string[]) => ({ inputs: values.map((value, n) => ({ name: `i${n}`, value })) });
  expect(inputsFit({})).toBe(true);
  expect(inputsFit(inputs("2026-11-21T02:13:00Z", "newest"))).toBe(true);
  expect(inputsFit(inputs("worker-3.eu-central-1.example.test"))).toBe(false);
  expect(inputsFit(inputs("a", "b", "c"))).toBe(false);
});
