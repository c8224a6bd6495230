import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { commands } from "../../commands/index.ts";
import { projectRoot } from "../../src/lib/root.ts";
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

test("the folder holds the list, `/dr` alone, and one file a verb", () => {
  const files = readdirSync(join(projectRoot(), "commands")).map((name) => name.replace(/\.ts$/, ""));
  expect(files.toSorted()).toEqual(["index", "overview", ...commands.map(({ verb }) => verb)].toSorted());
});
