import { LogLevel, type Logger as SlackLogger } from "@slack/web-api";
import type { Logger } from "../lib/log.ts";

/**
 * The bot's log behind the face the SDK knows. The SDK's debug lines hold whole bodies (tokens, `response_url`), so they
 * are never written, whatever the level.
 */
export function sdkLog(log: Logger): SlackLogger {
  const say = (parts: readonly unknown[]) =>
    parts.map((part) => (part instanceof Error ? part.message : part)).join(" ");
  return {
    debug: () => {},
    info: () => {},
    warn: (...parts) => log.warn({ event: "slack.sdk", says: say(parts) }, "slack's sdk warns"),
    error: (...parts) => log.error({ event: "slack.sdk", says: say(parts) }, "slack's sdk reports an error"),
    getLevel: () => LogLevel.WARN,
    setLevel: () => {},
    setName: () => {},
  };
}
