import { withDeadline } from "../../src/lib/deadline.ts";
import type { Sent, Sink } from "../../src/projection/worker.ts";
import type { Random } from "../support/random.ts";
import type { Process, VirtualTime } from "./time.ts";

/** What a core speaks to beside its targets: a mail server, and monitoring that tells it of alerts. */

const MAIL_SECONDS = 10;
/** What no answer tells is as frequent as all else. */
const FATES = ["busy", "answer lost", "refused", "hangs", "hangs"] as const;

export class MailServer {
  /** Accepted letters, by the name each was sent under: every time one came. */
  readonly letters: { readonly at: number; readonly key: string }[] = [];
  /** Share of letters with which something goes wrong. */
  trouble = 0;
  readonly #time: VirtualTime;
  readonly #note: (fault: string) => void;

  constructor(time: VirtualTime, note: (fault: string) => void) {
    this.#time = time;
    this.#note = note;
  }

  /** The way of one process to it. */
  sinkOf(process: Process, random: Random): Sink {
    const time = this.#time;
    const deliver = (key: string): Promise<Sent> => {
      const fate = random.chance(this.trouble) ? random.one(FATES) : "well";
      if (fate !== "well") this.#note(`mail: ${fate}`);
      return new Promise((resolve, reject) => {
        time.after(random.between(5, 80), null, () => {
          if (fate === "hangs") return;
          const accepted = fate === "well" || fate === "answer lost";
          if (accepted) this.letters.push({ at: time.now, key });
          time.after(random.between(5, 80), process, () => {
            if (fate === "answer lost") reject(new Error("read ECONNRESET"));
            else if (fate === "refused") resolve({ how: "never", says: "550 No such mailbox" });
            else if (fate === "busy") resolve({ how: "later", sure: true, says: "451 Try later" });
            else resolve({ how: "delivered", told: { to: "1 address" }, reference: key, says: null });
          });
        });
      });
    };
    return {
      name: "email",
      send: ({ key }) =>
        process.sends() ? withDeadline("The mail server", MAIL_SECONDS, () => deliver(key)) : new Promise(() => {}),
    };
  }
}

/** One instance of an alert, as monitoring says it is. */
export interface Statement {
  readonly name: string;
  readonly instance: string;
  readonly isFiring: boolean;
  /** Unique; the same when it is said again. */
  readonly mark: string;
}

export interface MonitoringParts {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly note: (fault: string) => void;
  /** Brings it to a bot; `kept` is called when the bot says that it has it. */
  readonly say: (statement: Statement, kept: () => void) => void;
}

const ALERTS = ["OrdersFail", "OrdersFail", "CacheCold", "Unheard"];
/** It says again what no one has said they kept, and what goes on. Milliseconds. */
const AGAIN_MS = 6_000;

/** Watches the shop, and says what fires and what is over: again until it is kept, and sometimes late. */
export class Monitoring {
  /** Statements a bot said it had kept, in the order in which they were true. */
  readonly kept: Statement[] = [];
  readonly #parts: MonitoringParts;
  #serial = 0;

  constructor(parts: MonitoringParts) {
    this.#parts = parts;
  }

  /** @param untilMs nothing changes after it */
  begin(untilMs: number): void {
    const { time, random } = this.#parts;
    for (let instance = 1 + random.int(3); instance > 0; instance--) {
      const name = random.one(ALERTS);
      let isFiring = false;
      const turn = () => {
        if (time.now > untilMs) return;
        isFiring = !isFiring;
        const told = { name, instance: `shop-${instance}`, isFiring };
        this.#tell({ ...told, mark: `alert-${++this.#serial}` });
        // What goes on is said again as news.
        if (random.chance(0.5)) time.after(2_000, null, () => this.#tell({ ...told, mark: `alert-${++this.#serial}` }));
        time.after(random.between(3_000, 40_000), null, turn);
      };
      time.after(random.between(4_000, 60_000), null, turn);
    }
  }

  #tell(statement: Statement): void {
    const { time, random, note, say } = this.#parts;
    let isKept = false;
    const tell = () => {
      if (isKept) return;
      say(statement, () => {
        if (!isKept) this.kept.push(statement);
        isKept = true;
      });
      time.after(AGAIN_MS, null, tell);
    };
    const late = random.chance(0.1);
    if (late) note("alert: late");
    time.after(late ? random.between(1_000, 9_000) : 20, null, tell);
  }
}
