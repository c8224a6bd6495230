import { isPrivate } from "../../../src/incident/members.ts";
import type { Declared } from "../../../src/incident/state.ts";
import { isSurprise } from "../../../src/incident/surprise.ts";
import { section } from "../kit/blocks.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";

/**
 * An incident for which Slack made no channel: one thread below its announcement, and nothing of it in the channel above, which
 * belongs to everyone. A surprise drill is announced nowhere, so its thread is in the direct messages of who started it.
 */
export function inOneThread(messages: readonly ShownMessage[], declared: Declared): ShownMessage[] {
  const starter = declared.by.kind === "person" ? declared.by.slackUser : null;
  const hidden = isSurprise(declared);
  if (hidden && starter === null) return [...messages];
  const place = hidden ? ({ person: starter as string } as const) : "announce";
  const root = hidden ? "card" : "announcement";
  return messages.map((message) => {
    if (message.in !== "incident") return message;
    const { broadcast: _left, ...rest } = message;
    return { ...rest, in: place, under: message.key === root ? null : root };
  });
}

/** A private incident for which Slack made no channel: everything, in the direct messages of each of its members. */
export function toEach(messages: readonly ShownMessage[], members: readonly string[]): ShownMessage[] {
  return messages.flatMap((message) => {
    if (message.in === "announce") return [];
    if (message.in !== "incident") return [message];
    const { broadcast: _left, key, under, ...rest } = message;
    return members.map((person) => ({
      ...rest,
      key: `${key}@${person}`,
      under: under === null ? null : `${under}@${person}`,
      in: { person },
    }));
  });
}

/** To who declared: no one reads it where they typed. */
export function announcedInstead(declared: Declared, { redirected }: Surroundings): ShownMessage[] {
  const { by } = declared;
  if (redirected == null || isPrivate(declared) || by.kind !== "person" || by.slackUser === null) return [];
  const text = `Announced in <#${redirected.to}>, not in <#${redirected.from}>. I can't post there (\`${redirected.error}\`). Next: invite me with \`/invite\`, or declare in another channel.`;
  return [
    {
      key: "announced-instead",
      in: { person: by.slackUser },
      under: null,
      priority: 1,
      message: { text, blocks: [section(text)] },
      once: true,
    },
  ];
}
