import { expect, test } from "@jest/globals";
import { renderNotices } from "../../../templates/messages/approval/enrolled.ts";
import { SYSTEM } from "../../support/incident-scenario.ts";

const around = { systems: [SYSTEM], practice: false, names: (who: string) => who };
const [ana] = SYSTEM.people;

function drawn(type: string, data: unknown) {
  return renderNotices([{ type, version: 3, data }], around).map(({ in: where, message }) => ({
    where,
    text: message.text,
  }));
}

test("guessing at a code is told where incidents are announced, and to whose code it is", () => {
  const holder = `${SYSTEM.id}/${ana?.id}`;
  const told = drawn("person.locked", {
    ...{ people: [holder], from: "cli", by: "mallory <!channel> on the bot's machine" },
    until: "2026-11-30T02:15:00.000Z",
  });
  expect(told.map(({ where }) => where)).toEqual(["announce", ...(ana?.slack ?? []).map((person) => ({ person }))]);
  expect(told[0]?.text).toMatch(new RegExp(`Five wrong codes for ${ana?.id} at the command line, by mallory`));
  expect(told[0]?.text).toContain("Slack isn't affected. If that wasn't you, tell the people who run Lifeboat now.");
  expect(told[0]?.text).not.toContain("<!channel>");
});

test("a bot that was started without Slack is announced, with the user and the machine", () => {
  expect(drawn("bot.startedWithoutSlack", { user: "lifeboat", host: "bot-2" })).toEqual([
    { where: "announce", text: expect.stringContaining("started without Slack by the user lifeboat on bot-2") },
  ]);
  expect(drawn("bot.saidSomethingNew", {})).toEqual([]);
});
