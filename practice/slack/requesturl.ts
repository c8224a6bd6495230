import { createHmac } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { withDeadline } from "../../src/lib/deadline.ts";
import { type Answer, type Delivery, type Envelope, nameOf } from "./delivery.ts";
import type { FaultInjection } from "./fault-injection.ts";
import type { Inspector } from "./inspector.ts";
import { limits } from "./limits.ts";
import type { Json } from "./objects.ts";

/** The other way Slack talks to apps: a signed HTTP request to their request URL. */
export class RequestUrl implements Delivery {
  private readonly target: { readonly url: string; readonly signingSecret: string };
  private readonly inspector: Inspector;
  private readonly faults: FaultInjection;

  constructor(target: RequestUrl["target"], inspector: Inspector, faults: FaultInjection) {
    this.target = target;
    this.inspector = inspector;
    this.faults = faults;
  }

  async send(envelope: Envelope): Promise<Answer> {
    const name = nameOf(envelope);
    const entry = this.inspector.note({
      kind: "envelope",
      name,
      connection: "http",
      error: undefined,
      sent: envelope.payload,
    });
    const started = performance.now();
    const error = (word: "operation_timeout" | "dispatch_failed", answered: unknown = null): Answer => {
      this.inspector.complete(entry, { error: word, answered, milliseconds: Math.round(performance.now() - started) });
      return { ok: false, error: word, connection: "http" };
    };
    let response: { status: number; text: string };
    try {
      response = await withDeadline("The request URL", limits.ackSeconds, (signal) => this.post(envelope, signal));
    } catch (cause) {
      const late = performance.now() - started >= limits.ackSeconds * 1000 - 50;
      return error(late ? "operation_timeout" : "dispatch_failed", String(cause));
    }
    if (response.status !== 200) return error("dispatch_failed", response);
    const payload = payloadOf(response.text);
    const milliseconds = Math.round(performance.now() - started);
    this.inspector.complete(entry, { error: null, milliseconds, answered: payload });
    return { ok: true, payload, milliseconds, connection: "http" };
  }

  private async post(envelope: Envelope, signal: AbortSignal): Promise<{ status: number; text: string }> {
    if (this.faults.delayEnvelopesSeconds > 0)
      await after(this.faults.delayEnvelopesSeconds * 1000, undefined, { signal });
    const { body, type } = encode(envelope);
    const at = String(Math.floor(this.faults.now() / 1000));
    const signature = createHmac("sha256", this.target.signingSecret).update(`v0:${at}:${body}`).digest("hex");
    const request = {
      method: "POST",
      signal,
      body,
      redirect: "error",
      headers: {
        "content-type": type,
        "x-slack-request-timestamp": at,
        "x-slack-signature": `v0=${signature}`,
        ...(envelope.retry
          ? { "x-slack-retry-num": String(envelope.retry.attempt), "x-slack-retry-reason": envelope.retry.reason }
          : {}),
      },
    } as const;
    if (this.faults.take("duplicates")) void fetch(this.target.url, request).catch(() => {});
    const response = await fetch(this.target.url, request);
    return { status: response.status, text: await response.text() };
  }
}

function encode(envelope: Envelope): { body: string; type: string } {
  if (envelope.type === "events_api") return { body: JSON.stringify(envelope.payload), type: "application/json" };
  const fields =
    envelope.type === "slash_commands"
      ? Object.fromEntries(Object.entries(envelope.payload).map(([key, value]) => [key, String(value)]))
      : { payload: JSON.stringify(envelope.payload) };
  return { body: new URLSearchParams(fields).toString(), type: "application/x-www-form-urlencoded" };
}

function payloadOf(text: string): Json {
  if (text === "") return {};
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : { text: String(value) };
  } catch {
    return { text };
  }
}
