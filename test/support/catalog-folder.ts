import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A system that is whole, for what is tested beside it. */
export const shopSystem = `
title: Shop
environment: production
components:
  database: { title: Database, aliases: [db], rto: 10m, rpo: 1m }
sites:
  eu-west-1: { title: Ireland, home: true, values: { url: "https://ie.shop.example" } }
  eu-central-1: { title: Frankfurt, values: { url: "https://de.shop.example" } }
targets:
  store:
    title: Orders store
    kind: postgres
    with: { passwordFrom: STORE_PW }
    members:
      ireland: { site: eu-west-1, with: { name: ireland, host: "\${var.primaryHost}" }, values: { slot: ireland } }
      frankfurt: { site: eu-central-1, with: { name: frankfurt, host: "\${var.standbyHost}" } }
  cache: { title: Cache, kind: redis, members: { ireland: { site: eu-west-1 } } }
roles:
  responder: { title: On-call engineer, explains: You look first. }
  incident-commander: { title: Incident commander, explains: You decide. }
  vp-engineering: { title: VP Engineering, explains: You are asked last., standing: true }
people:
  ada: { name: Ada, slack: [UADA], roles: [responder] }
  ben: { name: Ben, slack: [UBEN], roles: [incident-commander] }
  cleo: { name: Cleo, slack: [UCLEO], roles: [incident-commander] }
  vic: { name: Vic, slack: [UVIC], roles: [vp-engineering] }
severities:
  P0: { title: Down, respondWithin: 15m }
  P1: { title: Hurting, respondWithin: 1h }
  P2: { title: Annoying, respondWithin: 4h }
  P3: { title: Unnoticed, respondWithin: 1d }
escalation:
  database: [{ role: vp-engineering, after: 5m }]
variables:
  primaryHost: { type: string, description: Address of the primary }
  primaryPort: { type: number, description: Port of the primary, default: 5432 }
  standbyHost: { type: string, description: Address of the standby }
`;

/** Refers to every variable of the shop, so that nothing is said of those another page leaves alone. */
export const valuesRunbook = `
title: Values
summary: Says them.
stages:
  - id: say
    title: Say
    steps:
      - id: say
        title: \${var.primaryHost}, \${var.primaryPort}, \${var.standbyHost}
        action: wait
        with: { for: 0s }
`;

/** Runbooks of the shop that others include. */
export const shelf: Readonly<Record<string, string>> = {
  look: `
title: Look
summary: Looks.
component: database
stages:
  - id: assess
    title: Look at \${component.title}
    steps:
      - { id: check, title: "Look, \${mode}", action: postgres.check, with: { node: &node { name: a, host: "\${var.primaryHost}", passwordFrom: PW }, mode: "\${mode}" } }
      - { id: again, title: Look again, when: { step: check, fact: primaryReachable, is: true }, action: postgres.check, with: { node: *node } }
`,
  "ask-when-dead": `
title: Ask when it is dead
summary: Looks, and asks when there is something to decide.
component: database
stages:
  - id: ask
    title: Ask
    steps:
      - { id: check, title: Look, action: postgres.check, with: { node: &node { name: a, host: "\${var.primaryHost}", passwordFrom: PW } } }
      - { id: approve, title: Approve, when: { step: check, fact: primaryReachable, is: false }, gate: { role: incident-commander } }
`,
  "back-up": `
title: Back up
summary: Adds a dump.
component: database
modes: [planned]
changes: the folder gets one more dump
maintenance: true
stages:
  - id: decide
    title: Decide
    steps:
      - { id: approve, title: Approve, gate: { role: incident-commander, escalate: database } }
  - id: copy
    title: Copy
    steps:
      - { id: dump, title: Dump, action: postgres.dump, with: { node: &node { name: b, host: "\${var.standbyHost}", passwordFrom: PW } } }
      - { id: see, title: See, action: postgres.check, with: { node: *node } }
`,
  "move-writes": `
title: Move writes
summary: Moves them.
component: database
modes: [planned, unplanned]
changes: writes move
stages:
  - id: decide
    title: Decide
    steps:
      - { id: look, title: Look, action: postgres.check, with: { node: { name: b, host: "\${var.standbyHost}", passwordFrom: PW } } }
      - { id: approve, title: Approve, gate: { role: incident-commander, escalate: database } }
  - id: switch
    title: Switch
    within: 2m
    steps:
      - { id: fence, title: Fence, action: postgres.fence, with: { node: &node { name: a, host: "\${var.primaryHost}", passwordFrom: PW } } }
      - { id: drain, title: Drain, mode: planned, action: postgres.drain, with: { node: *node } }
      - { id: promote, title: Promote, action: postgres.promote, with: { node: { name: b, host: "\${var.standbyHost}", passwordFrom: PW }, fenceStep: fence } }
afterwards: ["Bring \${component.title} back."]
`,
  empty: `
title: Empty a node
summary: Moves every pod off it.
modes: [planned, unplanned]
inputs:
  node: { type: text, description: "The node, as kubectl get nodes lists it", pattern: "[a-z0-9-]{1,63}", example: worker-3 }
  most: { type: number, description: Pods at once, min: 1, max: 10, default: 1 }
stages:
  - id: look
    title: Look at \${input.node}
    steps:
      - { id: ask, title: "\${input.most} at once", action: human.confirm, with: { instructions: "Is \${input.node} ill?" } }
afterwards: ["Repair \${input.node}."]
`,
  mistaken: `
title: Mistaken
summary: It does something nobody knows.
modes: [planned, unplanned]
stages:
  - id: one
    title: One
    steps:
      - { id: one, title: One, action: postgres.chek, with: {} }
`,
};

export interface Folder {
  readonly path: string;
  remove(): void;
}

/** A folder of the given files under the system's temporary folder: relative path → text. */
export function makeFolder(files: Readonly<Record<string, string>>): Folder {
  const path = mkdtempSync(join(tmpdir(), "lifeboat-catalog-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
