import { actionValue } from "../kit/action-value.ts";
import { cut, safe } from "../kit/escape.ts";
import type { Message } from "../kit/message.ts";
import { said } from "../kit/reply.ts";
import { clock } from "../kit/when.ts";

/** What a person is told when their command about updates and deliveries was carried out. */

/** Where no form can be opened nothing is sent unseen. @param lines safe */
export function updatePreview(incident: string, title: string, lines: readonly string[]): Message {
  return said([`*${safe(title)}* would say:`, ...lines.map((line) => `> ${line}`)], {
    label: "Write the update…",
    verb: "update",
    actionValue: actionValue(incident),
    style: "primary",
  });
}

/** @param ways where it goes; `why` says why it doesn't */
export function updateSent(
  title: string,
  ways: readonly { readonly to: string; readonly why: string | null }[],
): Message {
  const listed = ways.map(({ to, why }) => (why === null ? to : `not by ${to}: ${safe(cut(why, 120))}`));
  return said([
    `Sent: *${safe(title)}*.`,
    `It goes to ${listed.join(" · ")}. Whether it got there is said in the incident's channel.`,
  ]);
}

/** @param dueAt null: another update is due */
export function snoozed(minutes: number, dueAt: Date | null): Message {
  return said(`Next reminder in ${minutes} min.${dueAt === null ? "" : ` It stays due by ${clock(dueAt)}.`}`);
}

/** @param where safe. @param tried how many deliveries */
export function resent(where: string, tried: number): Message {
  if (tried === 0) return said(`Everything of ${where} is delivered or on its way.`);
  return said(
    `Trying ${tried} ${tried === 1 ? "delivery" : "deliveries"} of ${where} again. \`/dr status\` lists what fails.`,
  );
}
