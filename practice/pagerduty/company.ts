import { randomBytes } from "node:crypto";

/** Who has a phone, who is on call for what, and the service that is watched. */
export interface Company {
  readonly users: readonly User[];
  readonly policies: readonly Policy[];
  readonly service: { readonly id: string; readonly name: string; readonly policy: string };
  /** Integration key of the service, for the Events API. */
  readonly routingKey: string;
  /** Key of the REST API. */
  readonly token: string;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export interface Policy {
  readonly id: string;
  readonly name: string;
  /** User ids on call now, level by level. */
  readonly levels: readonly (readonly string[])[];
}

/** Worth nothing anywhere else, and looks like the real one, so that it's looked for where no key may stand. */
const routingKey = randomBytes(16).toString("hex");
const token = `u+${randomBytes(12).toString("base64url")}`;

/** Someone on call whom no roster knows: to see that being on call decides nothing. */
export const STRANGER = "PNELL";

/** The people of the practice workspace, with phones. */
export const practiceCompany: Company = {
  users: [
    user("PALEX", "Alex Rivera"),
    user("PSAM0", "Sam Okafor"),
    user("PVERA", "Vera Lindqvist"),
    user("PCASS", "Cass Moreau"),
    user("PDEE0", "Dee Park"),
    user(STRANGER, "Nell Adeyemi"),
    user("PBOAT", "Lifeboat"),
  ],
  policies: [
    { id: "PONCALL", name: "Orders first line", levels: [["PALEX"], ["PSAM0"]] },
    { id: "PCOMMAND", name: "Incident commanders", levels: [["PSAM0"]] },
    { id: "PVPENG", name: "Engineering leads", levels: [["PVERA"]] },
  ],
  service: { id: "PORDERS", name: "Practice orders", policy: "PONCALL" },
  routingKey,
  token,
};

function user(id: string, name: string): User {
  const [first = ""] = name.toLowerCase().split(" ");
  return { id, name, email: `${first}@practice.invalid` };
}
