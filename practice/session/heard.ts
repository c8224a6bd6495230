import { setTimeout as passing } from "node:timers/promises";
import type { Message, Outcome, Workspace } from "../slack/index.ts";

/**
 * What someone alone is told in answer to what they do. A bot that is just being started again is asked again.
 * @param until by `performance.now()`
 */
export async function heard(
  workspace: Workspace,
  user: string,
  userAction: () => Promise<Outcome>,
  until: number,
): Promise<string> {
  const before = seenIn(workspace);
  for (;;) {
    const outcome = await userAction();
    if (outcome.ok) break;
    if (performance.now() > until) return outcome.said;
    await passing(250);
  }
  const left = Math.max(1, until - performance.now());
  return workspace.as(user).waitForAnswer((message) => isTo(user, message) && !before(message), left);
}

/** Whether a message was there at this moment. */
export function seenIn(workspace: Workspace): (message: Message) => boolean {
  const { messages, ephemerals } = workspace.snapshot();
  const known = new Set([...messages, ...ephemerals].map(({ channel, ts }) => `${channel}/${ts}`));
  return ({ channel, ts }) => known.has(`${channel}/${ts}`);
}

/** Who is not in the channel yet is answered directly. Questions and news come there, too, in their own time. */
export function isTo(user: string, { only, channel, text }: Message): boolean {
  return only === user || (channel === `D${user}` && !/^PRACTICE( DRILL)? · /.test(text));
}
