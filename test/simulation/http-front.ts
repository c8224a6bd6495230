import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { HttpAddresses, Site } from "../../src/http/addresses.ts";
import type { Answered } from "./doing.ts";
import type { Process, VirtualTime } from "./time.ts";

export const SIGNING_SECRET = "a-secret-of-the-simulation";

/** Something a person did, as Slack delivers it: signed bytes. */
export interface SignedDelivery {
  readonly body: string;
  readonly at: string;
  readonly signature: string;
}

const ACK_MS = 3_000;

/** The front of one process: its listener is called with a request made here, without a socket. */
export class HttpFront implements HttpAddresses {
  #site: Site | null = null;

  async serve(site: Site) {
    this.#site = site;
    const close = async () => {
      this.#site = null;
    };
    return { port: 1, listening: true, close };
  }

  get isOpen(): boolean {
    return this.#site !== null;
  }

  /** Delivers in the process; calls back with the answer. */
  deliver(time: VirtualTime, process: Process, delivery: SignedDelivery, answered: (answer: Answered) => void): void {
    let isOver = false;
    const end = (answer: Answered) => {
      if (isOver) return;
      isOver = true;
      answered(answer);
    };
    time.after(ACK_MS, null, () => end(null));
    time.after(5, process, () => {
      const site = this.#site;
      if (site === null) return end({ status: 503, body: "" });
      const request = Object.assign(Readable.from([Buffer.from(delivery.body)]), {
        ...{ method: "POST", url: "/slack/events" },
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "x-slack-request-timestamp": delivery.at,
          "x-slack-signature": delivery.signature,
        },
      });
      const response = new AnswerCatcher((status, body) => {
        const dead = process.isDead;
        if (!dead) time.after(5, null, () => end({ status, body }));
      });
      site.listener(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    });
  }
}

class AnswerCatcher extends EventEmitter {
  headersSent = false;
  statusCode = 200;
  writableEnded = false;
  readonly #done: (status: number, body: string) => void;
  constructor(done: (status: number, body: string) => void) {
    super();
    this.#done = done;
  }
  writeHead(status: number): this {
    this.statusCode = status;
    this.headersSent = true;
    return this;
  }
  setHeader(): this {
    return this;
  }
  getHeader(): undefined {
    return undefined;
  }
  end(body?: string): this {
    if (this.writableEnded) return this;
    this.headersSent = true;
    this.writableEnded = true;
    this.#done(this.statusCode, String(body ?? ""));
    this.emit("finish");
    this.emit("close");
    return this;
  }
}

/** @param now true time, milliseconds since 1970 */
export function signed(fields: Readonly<Record<string, string>>, now: number): SignedDelivery {
  const body = new URLSearchParams(fields).toString();
  const at = String(Math.floor(now / 1000));
  const signature = `v0=${createHmac("sha256", SIGNING_SECRET).update(`v0:${at}:${body}`).digest("hex")}`;
  return { body, at, signature };
}
