import { expect, test } from "@jest/globals";
import { filledIn, submittedIn } from "../../../src/slack/listen/reopen.ts";
import { section } from "../../../templates/messages/kit/blocks.ts";
import { reasonForm } from "../../../templates/messages/kit/form.ts";

const sent = (stays: boolean) => {
  const { callback, title, submit, blocks } = reasonForm(
    "gate.deny",
    "Deny",
    "Deny",
    "run-1",
    "Nothing was changed.",
    stays,
  );
  const view = {
    ...{ callback_id: callback, title: { text: title }, submit: { text: submit }, blocks },
    state: { values: { reason: { reason: { value: "Wait for the DBA" } } } },
  };
  return { ...submittedIn(view), trigger: "t" };
};
const refusal = { text: "", blocks: [section("*State now:* Changed: “Fence orders-a”")] };

test("what a form said of how things stood goes once it was refused: the refusal says how they stand now", () => {
  const again = JSON.stringify(filledIn(sent(false), refusal, [], "run-1").blocks);
  expect(again).toContain("Changed: “Fence orders-a”");
  expect(again).not.toContain("Nothing was changed.");
  expect(again).toContain("Wait for the DBA");
});

test("what holds whatever happens meanwhile stays", () => {
  expect(JSON.stringify(filledIn(sent(true), refusal, [], "run-1").blocks)).toContain("Nothing was changed.");
});
