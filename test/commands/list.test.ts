import { expect, test } from "@jest/globals";
import { commands } from "../../commands/index.ts";

test("people on no roster may raise an alarm, note what they saw, and read what everybody sees: nothing else", () => {
  expect(commands.filter(({ everyMember }) => everyMember).map(({ verb }) => verb)).toEqual([
    "declare",
    "invite",
    "note",
    "catchup",
  ]);
});
