import { withDeadline } from "../../lib/deadline.ts";
import { isTopicArn, snsHost } from "../config.ts";

const SECONDS = 10;

/** What is asked of SNS, once for each subscription: its status. */
export type Ask = (url: string) => Promise<number>;

/**
 * Confirms a subscription. The address is made here, of the topic's ARN and the token: the one that stands in a message is never fetched, no matter who
 * signed it. Confirming again changes nothing.
 */
export async function confirmSubscription(topic: string, token: string, ask: Ask = askSns): Promise<void> {
  const status = await ask(confirmUrl(topic, token));
  if (status !== 200) throw new Error(`SNS answered ${status}: the subscription to ${topic} is not confirmed`);
}

export function confirmUrl(topic: string, token: string): string {
  if (!isTopicArn(topic)) throw new Error("This is not the ARN of an SNS topic");
  const query = new URLSearchParams({
    Action: "ConfirmSubscription",
    TopicArn: topic,
    Token: token,
    Version: "2010-03-31",
  });
  return `https://${snsHost(topic)}/?${query}`;
}

async function askSns(url: string): Promise<number> {
  return withDeadline("SNS", SECONDS, async (signal) => {
    const answer = await fetch(url, { signal, redirect: "error" });
    await answer.body?.cancel();
    return answer.status;
  });
}
