import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "../../src/lib/log.ts";
import type { FaultInjection } from "./faults.ts";
import { serviceReference, userReference, webhookIncident, webhookNote } from "./shown.ts";
import type { Happened, PagerState } from "./state.ts";

/** PagerDuty gives up on a receiver after a while; this one sooner. */
const ATTEMPTS = 6;
const SECONDS = 5;

/** V3 webhooks: every change of an incident, signed, to every subscriber, tried again until it answers 2xx. */
export class Webhooks {
  readonly secret = randomBytes(32).toString("hex");
  readonly #subscribers = new Set<string>();
  readonly #closing = new AbortController();
  readonly #state: PagerState;
  readonly #faults: FaultInjection;
  readonly #log: Logger;

  constructor(state: PagerState, faults: FaultInjection, log: Logger) {
    this.#state = state;
    this.#faults = faults;
    this.#log = log;
    state.tell((happened) => void this.send(happened));
  }

  subscribe(url: string): void {
    this.#subscribers.add(url);
  }

  close(): void {
    this.#closing.abort();
  }

  async send(happened: Happened): Promise<void> {
    const body = JSON.stringify({ event: this.#event(happened) });
    const times = this.#faults.is("duplicate") ? 2 : 1;
    const urls = [...this.#subscribers].flatMap((url) => Array<string>(times).fill(url));
    await Promise.all(urls.map((url) => this.#deliver(url, body)));
  }

  #event({ change, incident, by, at }: Happened): Record<string, unknown> {
    return {
      id: `01${randomBytes(12).toString("hex").toUpperCase()}`,
      event_type: `incident.${change}`,
      resource_type: "incident",
      occurred_at: at,
      agent: by === null ? serviceReference(this.#state) : userReference(this.#state, by),
      client: null,
      data: change === "annotated" ? webhookNote(incident) : webhookIncident(this.#state, incident),
    };
  }

  async #deliver(url: string, body: string): Promise<void> {
    const secret = this.#faults.is("forge") ? "another secret" : this.secret;
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    for (let attempt = 0; attempt < ATTEMPTS && !this.#closing.signal.aborted; attempt++) {
      try {
        const { status } = await fetch(url, {
          method: "POST",
          body,
          headers: { "content-type": "application/json", "x-pagerduty-signature": `v1=${signature}` },
          signal: AbortSignal.any([AbortSignal.timeout(SECONDS * 1000), this.#closing.signal]),
        });
        if (status < 300) return;
        // What was refused once is refused again.
        if (status < 500 && status !== 429) return this.#log.debug({ status }, "A webhook was refused.");
      } catch {
        // No one listens: a bot that is being started again.
      }
      await pause(250 * 2 ** attempt, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }
}
