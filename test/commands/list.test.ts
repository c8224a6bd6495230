import { expect, test } from "@jest/globals";
import { commands } from "../../commands/index.ts";
import { HELP, helpList } from "../../templates/messages/kit/help.ts";

test("people on no roster may raise an alarm, note what they saw, and read what everyone sees: nothing else", () => {
  expect(commands.filter(({ everyMember }) => everyMember).map(({ verb }) => verb)).toEqual([
    "declare",
    "invite",
    "note",
    "catchup",
  ]);
});

test("help has every command once, in ten lines", () => {
  const listed = HELP.flatMap(([, verbs]) => verbs);
  expect(new Set(listed).size).toBe(listed.length);
  expect(commands.map(({ verb }) => verb).filter((verb) => !listed.includes(verb))).toEqual([]);
  const { text } = helpList(commands);
  expect(text.split("\n").length).toBeLessThanOrEqual(10);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});
