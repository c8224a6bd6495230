import type { User } from "./objects.ts";

export const TEAM = "TPRACTICE";
export const OTHER_TEAM = "TOTHER";
export const BOT_USER = "ULIFEBOAT";
export const BOT = "BLIFEBOAT";
export const APP = "ALIFEBOAT";
export const INCIDENT_CHANNEL = "CINCIDENT";
export const GENERAL_CHANNEL = "CGENERAL";
/** Shared with another company, so that approvals there can be seen to be refused. */
export const SHARED_CHANNEL = "CSHARED";
export const RESPONDERS_GROUP = "SRESPONDERS";

/** Everyone here, with what the switcher says of them. The last three exist to be refused. */
export const people: readonly User[] = [
  person("UALEX", "alex", "Alex Rivera", "Responder, on call"),
  person("USAM", "sam", "Sam Okafor", "Incident commander"),
  person("UVERA", "vera", "Vera Lindqvist", "VP Engineering"),
  person("UTONI", "toni", "Toni Berg", "CTO"),
  person("UCASS", "cass", "Cass Moreau", "Comms lead"),
  person("UDANA", "dana", "Dana Kim", "Database administrator"),
  person("UERIN", "erin", "Erin Walsh", "Infrastructure engineer, team lead"),
  person("UMAX", "max", "Max Weber", "Engineering manager"),
  person("UGIL", "gil", "Gil Hart", "Guest", { is_restricted: true }),
  person("UODA", "oda", "Oda Brandt", "Outsider, from another company", { is_stranger: true, team_id: OTHER_TEAM }),
  person("UDEE", "dee", "Dee Park", "Deactivated, with a stale session", { deleted: true }),
  {
    ...person(BOT_USER, "lifeboat", "Lifeboat", "App", { is_bot: true }),
    profile: { ...profile("lifeboat", "Lifeboat", ""), bot_id: BOT, api_app_id: APP },
  },
];

/** The ids a person at the page can be. */
export const personas: readonly string[] = people.filter((user) => !user.is_bot).map((user) => user.id);

function person(id: string, name: string, real: string, title: string, other: Partial<User> = {}): User {
  return {
    id,
    team_id: TEAM,
    name,
    real_name: real,
    deleted: false,
    is_bot: false,
    is_app_user: false,
    is_admin: false,
    is_owner: false,
    is_restricted: false,
    is_ultra_restricted: false,
    tz: "Europe/Berlin",
    tz_label: "Central European Time",
    tz_offset: 3600,
    updated: 1_760_000_000,
    profile: profile(name, real, title),
    ...other,
  };
}

function profile(name: string, real: string, title: string): User["profile"] {
  return {
    real_name: real,
    display_name: name,
    real_name_normalized: real,
    display_name_normalized: name,
    title,
    team: TEAM,
    email: `${name}@practice.invalid`,
  };
}
