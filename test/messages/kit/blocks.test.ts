import { describe, expect, test } from "@jest/globals";
import { actions, type Button } from "../../../templates/messages/kit/blocks.ts";

const approve: Button = { label: "Approve", verb: "gate.approve", actionValue: "run-1/ask-1" };
const deny: Button = { label: "Deny", verb: "gate.deny", actionValue: "run-1/ask-1" };

describe("a row of buttons that someone is about to press", () => {
  test("keeps its name while what stands around it, and behind the first, changes", () => {
    const shown = actions({ ...approve, label: "Approve", confirm: { title: "a", says: "b", yes: "c", no: "d" } });
    expect(actions(approve, deny)).toMatchObject({ block_id: shown.block_id });
  });

  test("has another name where another question is asked, so that no one answers the wrong one", () => {
    expect(actions({ ...approve, actionValue: "run-1/ask-2" }).block_id).not.toBe(actions(approve).block_id);
  });

  test("two rows of one message have names of their own", () => {
    expect(actions({ ...approve, detail: "1" }).block_id).not.toBe(actions(approve).block_id);
  });
});
