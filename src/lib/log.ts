import { type Logger, pino } from "pino";
import type { Redact } from "./redact.ts";

export type { Logger };

/**
 * Structured logs to standard error (standard output belongs to what a command prints).
 * Anything under a key that names a secret is replaced before it is written, and what `redact` knows, wherever it stands.
 */
export function createLog(level: string, name = "lifeboat", redact?: Redact): Logger {
  const secret = [
    "token",
    "appToken",
    "botToken",
    "password",
    "secret",
    "signingSecret",
    "authorization",
    "response_url",
  ];
  return pino(
    {
      name,
      level,
      ...(redact && { hooks: { streamWrite: redact } }),
      redact: { paths: secret.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: "[redacted]" },
    },
    pino.destination(2),
  );
}
