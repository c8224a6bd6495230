import { type SignedDelivery, signed } from "./http-front.ts";
import type { Random } from "./random.ts";
import type { Button, SlackServer } from "./slack-server.ts";
import type { VirtualTime } from "./time.ts";

export interface PeopleParts {
  readonly time: VirtualTime;
  readonly slack: SlackServer;
  readonly random: Random;
  readonly note: (fault: string) => void;
  readonly trace: (line: string) => void;
  readonly deliver: (mark: string, delivery: SignedDelivery) => void;
}

const ROSTER = ["UANA", "UBO", "UCY", "UDEE", "UVI"];
const STRANGERS = ["UGUEST", "UNOBODY"];
const LINES = [
  ...["pause", "resume", "resume", "retry", "skip because", "abort enough", "status", "timeline", "note it smells"],
  ...[
    "severity P0",
    "approve",
    "deny no",
    "who",
    "runbook shop/flip",
    "runbook shop/move",
    "resolve it is well",
    "help",
  ],
  ...["runbook shop/flip --dry-run", "role incident-commander", "nonsense", "delegate incident-commander @ana 5m"],
];

/** People who read what Slack shows them, press what they see and type what they know. */
export class People {
  /** When someone's account was deactivated, milliseconds since the run began. */
  readonly deactivatedAt = new Map<string, number>();
  readonly #parts: PeopleParts;
  #serial = 0;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    for (const id of ROSTER) parts.slack.users.set(id, { id, name: id.slice(1), deleted: false, guest: false });
    parts.slack.users.set("UGUEST", { id: "UGUEST", name: "GUEST", deleted: false, guest: true });
  }

  /** @param untilMs no one does anything after it */
  begin(untilMs: number): void {
    const { time, random, slack, note } = this.#parts;
    const first = random.one(["shop/move", "shop/move", "shop/flip"]);
    time.after(random.between(2_000, 5_000), null, () => this.#type(random.one(["UANA", "UCY"]), `runbook ${first}`));
    if (random.chance(0.25))
      time.after(random.between(4_000, 60_000), null, () => {
        const user = slack.users.get("UDEE");
        if (user) user.deleted = true;
        this.deactivatedAt.set("dee", time.now);
        note("person deactivated");
      });
    const act = () => {
      if (time.now > untilMs) return;
      this.#something();
      time.after(random.between(600, 4_000), null, act);
    };
    time.after(6_000, null, act);
  }

  #something(): void {
    const { random, slack } = this.#parts;
    const who = random.chance(0.06) ? random.one(STRANGERS) : random.one(ROSTER);
    const buttons = slack.buttons([
      "gate.approve",
      "gate.deny",
      "run.retry",
      "run.resume",
      "run.skip",
      "run.abort",
      "run.pause",
    ]);
    const approvals = buttons.filter(({ action }) => action.startsWith("gate.approve"));
    const others = buttons.filter(({ action }) => !action.startsWith("gate.approve"));
    if (approvals.length > 0 && random.chance(0.75)) this.#press(who, random.one(approvals));
    else if (others.length > 0 && random.chance(0.2)) this.#press(who, random.one(others));
    else if (random.chance(0.35)) this.#type(who, random.one(LINES));
  }

  #press(user: string, { message, action, block, value }: Button): void {
    const { time } = this.#parts;
    const at = `${Math.floor(time.epoch / 1000)}.${String(++this.#serial).padStart(6, "0")}`;
    this.#send(`${user} presses ${action} ${value}`, at, {
      payload: JSON.stringify({
        ...{ type: "block_actions", team: { id: "T1" }, user: { id: user, team_id: "T1" }, api_app_id: "A1" },
        ...{ enterprise: null, trigger_id: `trigger-${at}`, response_url: "http://slack.sim/respond/1" },
        container: { type: "message", message_ts: message.ts, channel_id: message.channel },
        channel: { id: message.channel, name: "x" },
        message: { ts: message.ts, ...(message.thread !== null && { thread_ts: message.thread }) },
        actions: [{ type: "button", action_id: action, block_id: block, value, action_ts: at }],
      }),
    });
  }

  #type(user: string, text: string): void {
    const trigger = `trigger-${++this.#serial}`;
    this.#send(`${user} types ${text}`, trigger, {
      ...{ command: "/dr", text, team_id: "T1", channel_id: "CHOUSE", channel_name: "incidents", user_id: user },
      ...{ user_name: user, trigger_id: trigger, response_url: "http://slack.sim/respond/1", api_app_id: "A1" },
    });
  }

  /** Slack delivers, sometimes late and sometimes twice. */
  #send(says: string, mark: string, fields: Readonly<Record<string, string>>): void {
    const { time, random, note, trace, deliver } = this.#parts;
    trace(says);
    const delivery = signed(fields, time.epoch);
    const late = random.chance(0.1) ? random.between(500, 8_000) : random.between(5, 50);
    time.after(late, null, () => deliver(mark, delivery));
    if (!random.chance(0.15)) return;
    note("slack: delivered twice");
    time.after(late + random.between(0, 6_000), null, () => deliver(mark, delivery));
  }
}
