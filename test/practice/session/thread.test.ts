import { describe, expect, test } from "@jest/globals";
import { isReplyTo, isRootOf } from "../../../practice/session/thread.ts";
import type { Message } from "../../../practice/slack/index.ts";

const card = (about: Partial<Message> = {}): Message => ({
  ...{ type: "message", channel: "CINCIDENT", ts: "1.000", user: "ULIFEBOAT", team: "TPRACTICE" },
  text: "Fail over the orders database",
  blocks: [{ type: "context", elements: [{ type: "mrkdwn", text: "run-1234abcd, plan 6520b12c" }] }],
  ...about,
});

describe("the first message of a run's thread", () => {
  test("is found before it has a reply, and after: Slack gives it a thread then", () => {
    expect(isRootOf(card(), "run-1234abcd")).toBe(true);
    expect(isRootOf(card({ thread_ts: "1.000" }), "run-1234abcd")).toBe(true);
  });

  test("is not one of another run, and no reply", () => {
    expect(isRootOf(card(), "run-1234abce")).toBe(false);
    const reply = card({ ts: "2.000", thread_ts: "1.000" });
    expect(isRootOf(reply, "run-1234abcd")).toBe(false);
    expect(isReplyTo(reply, card({ thread_ts: "1.000" }))).toBe(true);
  });
});
