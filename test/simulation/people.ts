import type { Random } from "../support/random.ts";
import { type SignedDelivery, signed } from "./http-front.ts";
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
/** What people type; `@` names are those of the roster. Much of it is wrong at the moment it is typed, as in an incident. */
const LINES = [
  ...["pause", "resume", "resume", "retry", "skip because", "skip promote because", "abort enough", "commit enough"],
  ...["status", "status mitigating", "status monitoring", "timeline", "steps", "details", "list", "overview", "help"],
  ...[
    "approve",
    "approve",
    "deny no",
    "ask is it safe?",
    "answer it is",
    "escalate no one answers",
    "who",
    "unplanned",
  ],
  ...["runbook shop/flip", "runbook shop/move", "runbook shop/flip --dry-run", "undo", "replan it changed", "failback"],
  ...["severity P0", "severity P2 it is better", "raise P1 it spreads", "note it smells", "note --at 03:00 it began"],
  ...["role take incident-commander", "role take responder", "role assign responder @cy", "invite @bo --reason skill"],
  ...["delegate incident-commander to @ana for 5m", "delegate end incident-commander @ana", "vouch @bo", "enroll"],
  ...["action add Mend the alarm", "action done 1", "snooze 10", "update", "catchup", "triage", "readiness", "trends"],
  ...["resolve it is well", "resolve --anyway it is well", "close", "close --no-postmortem small", "reopen it is back"],
  ...["postmortem", "sign-off all of it held", "review it was right", "break-glass no one is there", "done", "reload"],
  ...["declare P1 orders fail", "declare", "resend", "calendar", "seats", "nonsense", "", "runbook nothing/here"],
];
/** What people press when they see it; what opens a form is left open. */
const BUTTONS = /^(?:gate|run|step|incident|role|triage|postmortem|action|comms|undo|member)\./;

/** People who read what Slack shows them, press what they see and type what they know. */
export class People {
  /** When someone's account was deactivated, milliseconds since the run began. */
  readonly deactivatedAt = new Map<string, number>();
  /** Marks of deliveries that no one at Slack made. */
  readonly forged = new Set<string>();
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
    const buttons = slack.buttons(BUTTONS);
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
    const { slack, random } = this.#parts;
    const trigger = `trigger-${++this.#serial}`;
    const rooms = [...slack.channels.values()].filter(({ id, archived }) => /^C\d/.test(id) && !archived);
    const room = random.chance(0.7) && rooms.length > 0 ? random.one(rooms) : { id: "CHOUSE", name: "incidents" };
    this.#send(`${user} types ${text}`, trigger, {
      ...{ command: "/dr", text, team_id: "T1", channel_id: room.id, channel_name: room.name, user_id: user },
      ...{ user_name: user, trigger_id: trigger, response_url: "http://slack.sim/respond/1", api_app_id: "A1" },
    });
  }

  /** Slack delivers, sometimes late and sometimes twice. */
  #send(says: string, mark: string, fields: Readonly<Record<string, string>>): void {
    const { time, random, note, trace, deliver } = this.#parts;
    trace(says);
    if (random.chance(0.03)) {
      note("slack: forged");
      this.forged.add(`${mark}-forged`);
      const text = JSON.stringify(fields).replaceAll(mark, `${mark}-forged`);
      const forged = signed(JSON.parse(text) as typeof fields, time.epoch);
      time.after(1, null, () => deliver(`${mark}-forged`, { ...forged, signature: `v0=${"0".repeat(64)}` }));
    }
    const delivery = signed(fields, time.epoch);
    const late = random.chance(0.1) ? random.between(500, 8_000) : random.between(5, 50);
    time.after(late, null, () => deliver(mark, delivery));
    if (!random.chance(0.15)) return;
    note("slack: delivered twice");
    time.after(late + random.between(0, 6_000), null, () => deliver(mark, delivery));
  }
}
