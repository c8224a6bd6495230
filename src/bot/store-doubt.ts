import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { storeAccepted, storeInDoubt, tampered } from "../../templates/messages/incident/store-in-doubt.ts";
import { WORKSPACE } from "../command/execute/record.ts";
import type { Problem } from "../lib/errors.ts";
import type { Base } from "./base.ts";

/** Tells everyone in Slack when the store is in doubt, when it is accepted again, and what was changed behind the bot. */
export function announceDoubt({ store: { timeline }, slack }: Base): void {
  const says = (doubt: Problem | null) => void slack?.announce(doubt === null ? storeAccepted() : storeInDoubt(doubt));
  if (timeline.doubt() !== null) says(timeline.doubt());
  timeline.onDoubt(says);
  timeline.onTampered((problem) => void slack?.announce(tampered(problem)));
}

/**
 * Who starts a bot without Slack holds the service's authority while no one in Slack sees it. Slack is told once it is back. While the
 * store is in doubt nothing is written at all: then it's recorded as soon as the store is accepted, before anything else can be.
 */
export async function recordStartWithoutSlack({ store: { timeline }, log }: Base): Promise<void> {
  const event = {
    type: "bot.startedWithoutSlack",
    data: { user: userName(), host: hostname() },
    key: `bot.startedWithoutSlack/${randomUUID()}`,
    actor: { kind: "bot" } as const,
  };
  const write = () => timeline.decide(WORKSPACE, () => ({ events: [event], value: null }));
  if (timeline.doubt() === null) {
    await write();
    return;
  }
  timeline.onDoubt((doubt) => {
    if (doubt !== null) return;
    write().catch((error) => log.error({ event: "bot.start_not_recorded", err: error }, "the start is not recorded"));
  });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}
