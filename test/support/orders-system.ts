import type { Gate, Plan, PlanStep, System } from "../../src/catalog/types.ts";
import type { Preflight } from "../../src/incident/events.ts";

/** A small shop: three people who decide, and a database with a standby in another region. */
export const orders: System = {
  id: "orders",
  title: "Orders",
  environment: "production",
  sites: [
    { id: "eu-central", title: "Frankfurt", home: true, values: {} },
    { id: "eu-west", title: "Dublin", home: false, values: {} },
  ],
  components: [
    { id: "database", title: "Orders database", aliases: ["db", "postgres"], rtoSeconds: 1800, rpoSeconds: 60 },
  ],
  roles: [
    {
      id: "incident-commander",
      title: "Incident commander",
      explains: "You decide what is done next, and nobody else does two things at once.",
      perIncident: true,
    },
    { id: "comms-lead", title: "Comms lead", explains: "You tell people what is known.", perIncident: true },
    { id: "dba", title: "Database administrator", explains: "", perIncident: false },
    { id: "vp-engineering", title: "VP Engineering", explains: "", perIncident: false },
  ],
  people: [
    { id: "ana", name: "Ana Lind", slack: ["U0ANA"], roles: ["dba"] },
    { id: "bo", name: "Bo Ek", slack: ["U0BO"], roles: ["dba", "incident-commander"] },
    { id: "cleo", name: "Cleo Dal", slack: ["U0CLEO"], roles: [] },
    { id: "vera", name: "Vera Prins", slack: ["U0VERA"], roles: ["vp-engineering"] },
  ],
  severities: [
    { id: "P0", title: "Everything is down", respondWithinSeconds: 300 },
    { id: "P1", title: "Users are hurt", respondWithinSeconds: 900 },
    { id: "P2", title: "Something is worse than usual", respondWithinSeconds: 3600 },
  ],
  variables: [],
  scripts: [],
  breakGlass: {
    roles: ["dba", "incident-commander"],
    secondPerson: true,
    aloneAfterSeconds: 120,
    lastsSeconds: 600,
    silentForSeconds: 60,
  },
};

const gate: Gate = {
  role: "dba",
  quorum: 1,
  expiresSeconds: 1200,
  escalate: [{ role: "vp-engineering", afterSeconds: 300 }],
  stepUp: false,
};

const action = (
  id: string,
  title: string,
  risk: "read" | "reversible" | "irreversible",
  seconds: number,
): PlanStep => ({
  kind: "action",
  id,
  title,
  when: null,
  action: `postgres.${id}`,
  input: {},
  risk,
  repeat: risk === "read" ? "safe" : "guarded",
  budget: { typicalSeconds: seconds, warnSeconds: seconds * 3, failSeconds: seconds * 10 },
  retries: risk === "reversible" ? 1 : 0,
});

export const failover: Plan = {
  format: 1,
  system: "orders",
  systemTitle: "Orders",
  environment: "production",
  runbook: "database-failover",
  title: "Fail over the orders database",
  summary: "Fences the old primary, promotes the standby, and points the application at it.",
  component: "database",
  mode: "unplanned",
  kind: "real",
  target: "Orders database: Frankfurt (10.0.0.5) → Dublin (10.1.0.5)",
  resources: ["postgres:10.0.0.5:5432/orders"],
  rtoSeconds: 1800,
  rpoSeconds: 60,
  pointOfNoReturn: "promote",
  stages: [
    {
      id: "decide",
      title: "Decide",
      parallel: false,
      steps: [{ kind: "gate", id: "go", title: "Go", when: null, gate }],
    },
    {
      id: "switch",
      title: "Switch",
      parallel: false,
      steps: [
        action("fence", "Fence the old primary", "reversible", 5),
        action("promote", "Promote the standby", "irreversible", 20),
        {
          kind: "manual",
          id: "tell-provider",
          title: "Tell the payment provider",
          when: null,
          instructions: "Call the provider's hotline.\nSay that calls come from Dublin now.",
          role: "incident-commander",
        },
      ],
    },
    { id: "check", title: "Check", parallel: true, steps: [action("verify", "Orders can be placed", "read", 3)] },
  ],
  afterwards: ["Rebuild a standby within 24 hours: `/dr runbook rejoin`"],
};

export const seen: Preflight = {
  ready: true,
  factsHash: "f".repeat(64),
  loss: "about 3 s of writes",
  facts: [
    { step: "fence", id: "primaryReachable", label: "Primary answers", value: false, material: true },
    { step: "promote", id: "lagSeconds", label: "Standby is behind by", value: 3.2, material: true },
    { step: "promote", id: "walBytes", label: "WAL not replayed", value: 1_048_576, material: false },
  ],
  checks: [
    { step: "promote", id: "standby", ok: true, level: "block", says: "The standby streams and is in recovery." },
    {
      step: "fence",
      id: "primary",
      ok: false,
      level: "warn",
      says: "The primary does not answer; it is fenced blindly.",
    },
  ],
};
