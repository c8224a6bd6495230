import { expect, test } from "@jest/globals";
import { undeliveredLines } from "../../../templates/messages/comms/undelivered.ts";

const mail = { sink: "email", key: "upd-1/email", tries: 1, says: "550 <no> such mailbox", givenUp: true };

test("what is not delivered is named with what the outside says, and what to do", () => {
  expect(undeliveredLines([])).toEqual([]);
  const pager = { sink: "pagerduty", key: "lifeboat/inc-1", tries: 7, says: null, givenUp: false };
  expect(undeliveredLines([mail, pager])).toEqual([
    "*Not delivered:* 2",
    "• Mail `upd-1/email`: given up after 1 try. 550 &lt;no&gt; such mailbox",
    "• PagerDuty `lifeboat/inc-1`: failing, 7 tries.",
    "*Next:* fix the cause, then `/dr resend`.",
  ]);
  expect(undeliveredLines(Array.from({ length: 8 }, () => mail))).toHaveLength(8);
});
