import type { Random } from "../support/random.ts";
import type { Choice, Doing } from "./doing.ts";
import type { SlackUser } from "./slack-server.ts";
import type { VirtualTime } from "./time.ts";

export interface PeopleParts {
  readonly time: VirtualTime;
  readonly users: Map<string, SlackUser>;
  readonly ways: Ways;
  readonly random: Random;
  readonly note: (fault: string) => void;
  readonly trace: (line: string) => void;
}

/** How people see what there is to press, and how what they do reaches the bots. */
export interface Ways {
  /** What can be pressed now, the newest last. */
  choices(): readonly Choice[];
  /** Where an incident is talked about. */
  rooms(): readonly string[];
  /** Makes a delivery of it; what is returned delivers it, and may be called more than once. `mark`: what names it. */
  send(doing: Doing, mark: string): () => void;
  /** Someone who is no one says the same. Absent: there is no such way. */
  readonly forge?: (doing: Doing, mark: string) => void;
}

const ROSTER = ["UANA", "UBO", "UCY", "UDEE", "UVI"];
const STRANGERS = ["UGUEST", "UNOBODY"];
/** What starts a run, where none is in progress. */
const STARTS = [
  "runbook shop/flip",
  "runbook shop/move",
  "runbook shop/move",
  "runbook shop/tidy",
  "runbook shop/flip --dry-run",
];
/** What people type; `@` names are those of the roster. Much of it is wrong at the moment it is typed, as in an incident. */
const LINES = [
  ...["pause", "pause", "pause", "resume", "resume", "retry", "retry", "skip because", "skip promote because"],
  ...["skip pause it is quiet", "abort enough", "abort enough", "commit enough", "reprotect", "failback", "undo"],
  ...["status", "status mitigating", "status monitoring", "timeline", "steps", "details", "list", "overview", "help"],
  ...["approve", "deny no", "deny no", "deny", "ask is it safe?", "ask is it safe?", "answer it is", "answer it is"],
  ...["escalate no one answers", "escalate", "who", "unplanned", "undo fence", "undo flip", "replan it changed"],
  ...[
    "severity P0",
    "severity P2 it is better",
    "severity P9",
    "raise P1 it spreads",
    "raise P0",
    "raise P0 --system no",
  ],
  ...["note it smells", "note", "note --at 03:00 it began", "note --at 2099-01-01T00:00 it will", "status unheard-of"],
  ...["role take incident-commander", "role take responder", "role assign responder @cy", "role assign nothing @cy"],
  ...["role assign vp-engineering @ana", "invite @bo --reason skill", "invite @cy @dee --reason they know", "invite"],
  ...["delegate incident-commander to @ana for 5m", "delegate incident-commander to @ana for 1m away", "enroll"],
  ...["delegate end incident-commander @ana", "delegate vp-engineering to @ana for 5m", "delegate", "vouch @bo"],
  ...["delegate incident-commander to @ana for 5s", "delegate incident-commander to @nobody for 5m", "done", "done"],
  ...[
    "done looked",
    "done look fine",
    "done listen fine",
    "done put-back fine",
    "skip look no one can",
    "skip nothing",
  ],
  ...["action add Mend the alarm", "action add Mend it --owner @bo --due 2031-04-01", "action done 1", "action done 9"],
  ...["action", "action add", "snooze 10", "snooze 100000", "update all is well soon", "update --template no hello"],
  ...["update", "catchup", "triage", "triage", "triage silent", "triage slow", "triage busy", "readiness", "trends"],
  ...["resolve it is well", "resolve --anyway it is well", "close", "close --no-postmortem small", "reopen it is back"],
  ...["postmortem", "sign-off all of it held", "sign-off", "review it was right", "break-glass no one is there"],
  ...["declare P1 orders fail", "declare", "declare P2 quiet --private", "declare P1 a drill --drill", "reload"],
  ...["declare P3 repairs --system shop", "resend", "calendar", "seats", "nonsense", "", "runbook nothing/here"],
  ...["runbook shop/move --incident INC-1", "runbook shop/flip --unknown", "runbook tidy --planned", "runbook"],
];

/** People who read what Slack shows them, press what they see and type what they know. */
export class People {
  /** When someone's account was deactivated, milliseconds since the run began. */
  readonly deactivatedAt = new Map<string, number>();
  /** Marks of deliveries that no one at Slack made. */
  readonly forged = new Set<string>();
  readonly #parts: PeopleParts;
  #serial = 0;
  /** How often who could press an approval does: on some nights they answer so late that what was asked has expired. */
  readonly #eager: number;

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    this.#eager = parts.random.one([0.75, 0.75, 0.3, 0.06]);
    for (const id of ROSTER) parts.users.set(id, { id, name: id.slice(1), deleted: false, guest: false });
    parts.users.set("UGUEST", { id: "UGUEST", name: "GUEST", deleted: false, guest: true });
  }

  /** @param untilMs no one does anything after it */
  begin(untilMs: number): void {
    const { time, random } = this.#parts;
    const first = random.one(["shop/move", "shop/move", "shop/flip"]);
    time.after(random.between(2_000, 5_000), null, () => this.#type(random.one(["UANA", "UCY"]), `runbook ${first}`));
    if (random.chance(0.25)) time.after(random.between(4_000, 60_000), null, () => this.#leaves("UDEE"));
    const act = () => {
      if (time.now > untilMs) return;
      this.#something();
      time.after(random.between(600, 4_000), null, act);
    };
    time.after(6_000, null, act);
  }

  /** The account is closed in Slack. */
  #leaves(id: string): void {
    const { time, users, note } = this.#parts;
    const user = users.get(id);
    if (user === undefined || user.deleted) return;
    user.deleted = true;
    this.deactivatedAt.set(id.slice(1).toLowerCase(), time.now);
    note("person deactivated");
  }

  #something(): void {
    const { time, random, ways } = this.#parts;
    const who = random.chance(0.06) ? random.one(STRANGERS) : random.one(ROSTER);
    const buttons = ways.choices();
    const approvals = buttons.filter(({ action }) => action.startsWith("gate.approve"));
    const others = buttons.filter(({ action }) => !action.startsWith("gate.approve"));
    if (approvals.length > 0 && random.chance(this.#eager)) {
      this.#press(who, random.one(approvals));
      if (random.chance(0.04)) time.after(random.between(200, 4_000), null, () => this.#leaves(who));
    } else if (others.length > 0 && random.chance(0.3)) {
      const choice = random.one(others);
      const { by = [] } = choice;
      this.#press(by.length > 0 && random.chance(0.8) ? random.one(by) : who, choice);
    } else if (random.chance(0.12)) this.#type(who, random.one(STARTS));
    else if (random.chance(0.4)) this.#type(who, random.one(LINES));
  }

  #press(user: string, choice: Choice): void {
    const { time } = this.#parts;
    const mark = `${Math.floor(time.epoch / 1000)}.${String(++this.#serial).padStart(6, "0")}`;
    this.#send(`${user} presses ${choice.action} ${choice.value}`, mark, { does: "presses", user, choice });
  }

  #type(user: string, text: string): void {
    const { random, ways } = this.#parts;
    const mark = `trigger-${++this.#serial}`;
    const rooms = ways.rooms();
    const room = random.chance(0.7) && rooms.length > 0 ? random.one(rooms) : "CHOUSE";
    this.#send(`${user} types ${text}`, mark, { does: "types", user, text, room });
  }

  /** It arrives, sometimes late and sometimes twice. */
  #send(says: string, mark: string, doing: Doing): void {
    const { time, random, note, trace, ways } = this.#parts;
    trace(says);
    if (ways.forge !== undefined && random.chance(0.03)) {
      note("slack: forged");
      const forged = `${mark}-forged`;
      this.forged.add(forged);
      const { forge } = ways;
      time.after(1, null, () => forge(doing, forged));
    }
    const arrive = ways.send(doing, mark);
    const late = random.chance(0.1) ? random.between(500, 8_000) : random.between(5, 50);
    time.after(late, null, arrive);
    if (!random.chance(0.15)) return;
    note("slack: delivered twice");
    time.after(late + random.between(0, 6_000), null, arrive);
  }
}
