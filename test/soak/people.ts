import { setTimeout as pause } from "node:timers/promises";
import { elementsOf } from "../../practice/slack/blockkit/check.ts";
import type { Message } from "../../practice/slack/index.ts";
import type { Random } from "../support/random.ts";
import type { Diary } from "./diary.ts";
import type { SoakEnvironment } from "./environment.ts";

/** Who is on the roster, and who is there to be refused. */
const ROSTER = ["UALEX", "USAM", "UVERA", "UTONI", "UCASS"] as const;
const EVERYONE = [...ROSTER, "UDANA", "UERIN", "UMAX", "UGIL"] as const;
/** Whoever presses what is shown leaves these to those who know what they do. */
const LEFT_ALONE = /^(?:break-glass|reload|gate\.approve)/;

type Activity = (world: SoakEnvironment, random: Random, diary: Diary) => Promise<void>;

/** What people do beside the runs, with how often it is drawn. */
const ACTIVITIES: readonly { readonly id: string; readonly weight: number; readonly activity: Activity }[] = [
  { id: "note", weight: 10, activity: note },
  { id: "read", weight: 6, activity: read },
  { id: "press", weight: 6, activity: press },
  { id: "severity", weight: 2, activity: severity },
  { id: "role", weight: 2, activity: role },
  { id: "declare", weight: 2, activity: declare },
  { id: "resolve", weight: 2, activity: resolve },
  { id: "update", weight: 1, activity: update },
  { id: "triage", weight: 1, activity: (world) => say(world, "UALEX", "/dr triage") },
  { id: "home", weight: 1, activity: home },
  { id: "alert", weight: 1, activity: alert },
];

/** Does one thing after the other until it is told to stop. What people can't do because something is broken they leave. */
export async function bystanders(
  world: SoakEnvironment,
  random: Random,
  diary: Diary,
  isOver: () => boolean,
): Promise<void> {
  const all = ACTIVITIES.reduce((sum, { weight }) => sum + weight, 0);
  while (!isOver()) {
    let left = random.int(all);
    const chosen = ACTIVITIES.find(({ weight }) => {
      left -= weight;
      return left < 0;
    });
    if (chosen !== undefined) {
      diary.did(chosen.id);
      await chosen.activity(world, random, diary).catch(() => diary.did(`${chosen.id}, in vain`));
    }
    await pause(random.between(200, 1500));
  }
}

async function say({ practice }: SoakEnvironment, user: string, words: string, channel?: string): Promise<void> {
  await practice.workspace.as(user).slash(words, channel);
}

/** A channel of an incident, if there is one that can be written in. */
function anIncident({ practice }: SoakEnvironment, random: Random): string | undefined {
  const open = practice.workspace
    .snapshot()
    .channels.filter(({ name, archived, kind }) => kind === "public" && !archived && /^(inc|maint|drill)-/.test(name));
  return open.length === 0 ? undefined : random.one(open).id;
}

async function note(world: SoakEnvironment, random: Random, diary: Diary): Promise<void> {
  const user = random.one(ROSTER);
  const mark = `mark-${random.int(2 ** 31).toString(36)}`;
  const channel = anIncident(world, random);
  if (channel === undefined) return;
  const at = Date.now();
  const outcome = await world.practice.workspace.as(user).slash(`/dr note Seen by ${user}: ${mark}`, channel);
  if (outcome.ok) diary.notes.push({ mark, user, at, acknowledgedAt: Date.now() });
}

async function read(world: SoakEnvironment, random: Random): Promise<void> {
  const words = ["status", "timeline", "list", "help", "readiness", "steps", "details", "catchup", "seats"];
  await say(world, random.one(EVERYONE), `/dr ${random.one(words)}`, anIncident(world, random));
}

/** Any button that is there, by anyone, now and then twice at the same time. */
async function press(world: SoakEnvironment, random: Random): Promise<void> {
  const { workspace } = world.practice;
  const user = random.one(EVERYONE);
  const shown = buttonsOf(workspace.snapshot().messages).filter(({ action }) => !LEFT_ALONE.test(action));
  if (shown.length === 0) return;
  const { message, action } = random.one(shown.slice(-30));
  const person = workspace.as(user);
  const pressed = () => person.click(message, action, { confirm: true });
  await (random.chance(0.3) ? Promise.all([pressed(), pressed()]) : pressed());
  const view = await person.waitForView(() => true, 1500).catch(() => null);
  if (view !== null) await person.dismiss(view);
}

function buttonsOf(messages: readonly Message[]): { readonly message: Message; readonly action: string }[] {
  return messages.flatMap((message) =>
    message.channel.startsWith("D")
      ? []
      : (message.blocks ?? [])
          .flatMap(elementsOf)
          .filter(({ type }) => type === "button")
          .flatMap(({ action_id: action }) => (typeof action === "string" ? [{ message, action }] : [])),
  );
}

function severity(world: SoakEnvironment, random: Random): Promise<void> {
  return say(
    world,
    random.one(ROSTER),
    `/dr severity ${random.one(["P0", "P1", "P2"])} As it looks now`,
    anIncident(world, random),
  );
}

function role(world: SoakEnvironment, random: Random): Promise<void> {
  return say(
    world,
    random.one(ROSTER),
    `/dr role take ${random.one(["incident-commander", "comms-lead"])}`,
    anIncident(world, random),
  );
}

function update(world: SoakEnvironment, random: Random): Promise<void> {
  return say(world, "UCASS", "/dr update We are looking into it.", anIncident(world, random));
}

async function declare(world: SoakEnvironment, random: Random): Promise<void> {
  const open = world.practice.workspace
    .snapshot()
    .channels.filter(({ name, archived }) => /^inc-/.test(name) && !archived);
  if (open.length > 6) return;
  await say(world, random.one(ROSTER), `/dr declare ${random.one(["P1", "P2"])} Orders are slow ${random.int(1e6)}`);
}

async function resolve(world: SoakEnvironment, random: Random): Promise<void> {
  await say(world, "USAM", "/dr resolve --anyway It is over.", anIncident(world, random));
}

async function home(world: SoakEnvironment, random: Random): Promise<void> {
  await world.practice.workspace.as(random.one(EVERYONE)).openHome(1000);
}

async function alert(world: SoakEnvironment, random: Random): Promise<void> {
  await world.practice.sendAlert(random.one(["OrdersNotTaken", "StandbyBehind"]), random.one(["firing", "resolved"]));
}
