import { randomBytes } from "node:crypto";
import { limits } from "./limits.ts";
import { SlackRefusal } from "./refusal.ts";

/** Short-lived rights an app gets with each payload: to open a view (`trigger_id`) and to answer (`response_url`). */
export class Tokens {
  private readonly now: () => number;
  private readonly triggers = new Map<string, { user: string; at: number; used: boolean; view: string | null }>();
  private readonly answers = new Map<string, Answerable & { at: number; uses: number }>();

  constructor(now: () => number) {
    this.now = now;
  }

  /** `view`: the modal it was pressed in, which views.push builds upon. */
  mintTrigger(user: string, view: string | null = null): string {
    const id = `${this.now()}.${randomBytes(6).readUIntBE(0, 6)}.${randomBytes(16).toString("hex")}`;
    this.triggers.set(id, { user, at: this.now(), used: false, view });
    this.forgetOld();
    return id;
  }

  /** Uses a trigger up; says whose it was. Throws Slack's word when it is unknown, used or old. */
  exchange(id: string): { user: string; view: string | null } {
    const trigger = this.triggers.get(id);
    if (!trigger) throw new SlackRefusal("invalid_trigger_id");
    if (trigger.used) throw new SlackRefusal("exchanged_trigger_id");
    if (this.now() - trigger.at > limits.triggerSeconds * 1000) throw new SlackRefusal("expired_trigger_id");
    trigger.used = true;
    return { user: trigger.user, view: trigger.view };
  }

  /** The path of a new response_url. */
  mintAnswer(place: Answerable): string {
    const path = `/response/${randomBytes(18).toString("base64url")}`;
    this.answers.set(path, { ...place, at: this.now(), uses: 0 });
    return path;
  }

  /** Counts one use of a response_url. Throws `used_url` after five uses or thirty minutes. */
  answer(path: string): Answerable {
    const answer = this.answers.get(path);
    if (!answer || this.now() - answer.at > limits.responseUrlSeconds * 1000) throw new SlackRefusal("expired_url");
    if (++answer.uses > limits.responseUrlUses) throw new SlackRefusal("used_url");
    return answer;
  }

  private forgetOld(): void {
    const old = this.now() - limits.responseUrlSeconds * 1000;
    for (const map of [this.triggers, this.answers]) for (const [id, { at }] of map) if (at < old) map.delete(id);
  }
}

export interface Answerable {
  readonly user: string;
  readonly channel: string;
  readonly thread: string | undefined;
  /** The message pressed upon, which `replace_original` and `delete_original` mean. */
  readonly message: string | undefined;
}
