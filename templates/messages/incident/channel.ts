import { delegationsNow } from "../../../src/incident/delegation.ts";
import { isPrivate, membersNamed } from "../../../src/incident/members.ts";
import { incidentName } from "../../../src/incident/numbers.ts";
import type { Declared, IncidentState, RunState } from "../../../src/incident/state.ts";
import { cut, plain } from "../kit/escape.ts";
import { holders } from "../kit/people.ts";
import type { ChannelView, Surroundings } from "../kit/view.ts";
import { topicOf } from "./card.ts";
import { usersNoticed } from "./drill.ts";

/** The incident's own channel: what it is called, what its topic says, and who has to be in it. */
export function channelOf(state: IncidentState, declared: Declared, around: Surroundings): ChannelView {
  return {
    name: channelName(state, declared),
    since: declared.at,
    ...(isPrivate(declared) && { private: true as const }),
    ...(state.closing?.archiveDue && { archived: true as const }),
    topic: cut(topicOf(state, declared, around), 250),
    bookmarks: bookmarks(around),
    invite: invited(state, declared, around),
    pinned: ["card"],
  };
}

function bookmarks({ system }: Surroundings): ChannelView["bookmarks"] {
  const page = system.comms?.link ? [{ title: "Status page", link: system.comms.link }] : [];
  return [...page, ...(system.links ?? []).map(({ title, url }) => ({ title: plain(title), link: url }))];
}

/** `inc-42-orders-database-down`, and `drill-…` for a drill. */
function channelName(state: IncidentState, { title, kind }: Declared): string {
  const id = kind === "drill" ? state.id.replace(/^inc-/, "drill-") : state.id;
  const slug = title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const name = `${state.number === undefined ? id : incidentName(state).toLowerCase()}-${slug}`;
  return name.slice(0, 60).replace(/-$/, "");
}

/** Who declared, who holds a role, who asked for a run, and everyone who is asked to decide something now. */
export function invited(state: IncidentState, declared: Declared, around: Surroundings): readonly string[] {
  const { by } = declared;
  const runs = [...state.runs.values()];
  const people = [
    ...(by.kind === "person" && by.person ? [by.person] : []),
    ...state.roles.values(),
    ...(state.escalated ?? []).flatMap(({ role }) => holders(around.system, state, role)),
    ...delegationsNow(state, around.now).map(({ to }) => to),
    ...runs.map(({ requester }) => requester),
    ...members(state, declared, around),
    ...runs.flatMap((run) => asked(run).flatMap((role) => holders(around.system, state, role))),
  ];
  const direct = [
    ...(by.kind === "person" && by.slackUser ? [by.slackUser] : []),
    ...people.filter((one) => /^[UW][A-Z0-9]{5,}$/.test(one)),
  ];
  const users = people.flatMap((person) => around.system.people.find(({ id }) => id === person)?.slack ?? []);
  return [...new Set([...direct, ...usersNoticed(declared, around), ...users])];
}

/** Of a private incident: everyone its timeline names, and the holders of its roles. */
function members(state: IncidentState, declared: Declared, { system }: Surroundings): readonly string[] {
  if (!isPrivate(declared)) return [];
  const roles = declared.private?.roles ?? [];
  const held = system.people.filter((person) => person.roles.some((role) => roles.includes(role)));
  return [...membersNamed(state), ...held.map(({ id }) => id)];
}

/** Roles that are asked to decide on this run now. */
function asked(run: RunState): readonly string[] {
  return [...run.steps.values()].flatMap((step) => {
    if (step.status !== "gate" || step.gate.outcome !== "open") return [];
    return [step.gate.role, ...step.gate.escalate.slice(0, step.gate.level).map(({ role }) => role)];
  });
}
