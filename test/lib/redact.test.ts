import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createSecretBook } from "../../src/lib/redact.ts";

const redactedBy = (value: string) => {
  const book = createSecretBook();
  book.note(value);
  return book.redact(`It is ${value}, they say`);
};

test.each([
  ...["postgres", "orders-app", "orders_reader", "Shop-Reader", "POSTGRES", "12345678", "short7"],
  ...["lifeboat-practice-orders"],
])("%s is a word and stands everywhere: it isn't looked for", (word) => {
  expect(redactedBy(word)).toBe(`It is ${word}, they say`);
});

test("a random secret is taken out, whatever characters it happens to have", () => {
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_0123456789"];
  const secret = fc
    .array(fc.constantFrom(...letters), { minLength: 20, maxLength: 44 })
    .map((all) => all.join(""))
    // What has capitals within a word, or is longer than words are.
    .filter((text) => /[a-z][A-Z]/.test(text));
  fc.assert(fc.property(secret, (value) => redactedBy(value) === "It is [secret], they say"));
  for (const value of ["IZBrKqWdTnXyLmPbVcHsRoGe", "abcdefghijklmnopqrstuvwxyzabcdefghijklm"])
    expect(redactedBy(value)).toBe("It is [secret], they say");
});
