import { type FetchFunction, WebClient, type WebClientOptions } from "@slack/web-api";
import type { Logger } from "../lib/log.ts";
import type { SlackConfig } from "./config.ts";
import { sdkLog } from "./sdk-log.ts";

/**
 * Three ways of calling Slack. The SDK's defaults wait for ever, repeat posts whose answer was lost, and let a 429 on one
 * call hold up every other; none of these clients does.
 */
export interface Clients {
  /** Someone is waiting and it only reads: 2.5 s, once more on a lost answer. */
  readonly ask: WebClient;
  /** Someone is waiting and it changes something (a form, an ephemeral answer): 2.5 s, one attempt. */
  readonly act: WebClient;
  /** No one waits: 10 s, one attempt; the publisher looks before it tries again. */
  readonly bulk: WebClient;
}

export function createClients(
  config: Pick<SlackConfig, "botToken" | "apiUrl">,
  log: Logger,
  fetch: FetchFunction = globalThis.fetch,
): Clients {
  const client = (timeout: number, retries: number) =>
    // A new options object each time: the SDK writes into the one it is given.
    new WebClient(config.botToken, {
      ...whereTo(config.apiUrl),
      timeout,
      retryConfig: { retries, minTimeout: 100, maxTimeout: 200 },
      rejectRateLimitedCalls: true,
      allowAbsoluteUrls: true,
      fetch,
      logger: sdkLog(log),
    });
  return { ask: client(2500, 1), act: client(2500, 0), bulk: client(10_000, 0) };
}

export function whereTo(apiUrl: string | null): WebClientOptions {
  return apiUrl === null ? {} : { slackApiUrl: apiUrl };
}
