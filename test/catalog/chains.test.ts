import { describe, expect, test } from "@jest/globals";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Gate } from "../../src/catalog/types.ts";
import { makeFolder, shopSystem } from "../support/catalog-folder.ts";
import { cards } from "./cards.ts";

const chains = `escalation:
  by-role: { roles: [responder, incident-commander, vp-engineering, cto], every: 5m }
  by-minutes:
    - { role: responder, after: 0m }
    - { role: team-lead, after: 15m }
    - { role: engineering-manager, after: 30m }
    - { role: cto, after: 60m }
`;
const roles = ["team-lead", "engineering-manager", "cto"];
const system = shopSystem
  .replace(/escalation:\n.*\n/, chains)
  .replace(
    "people:",
    `${roles.map((role) => `  ${role}: { title: ${role}, explains: You are asked., standing: true }`).join("\n")}\npeople:`,
  )
  .replace("roles: [vp-engineering]", `roles: [vp-engineering, ${roles.join(", ")}]`);

function gateOf(gate: string): Gate {
  const runbook = `title: Look\nsummary: Looks.\nstages:\n  - id: decide\n    title: Decide\n    steps:\n      - id: go\n        title: Go?\n        gate: ${gate}\n`;
  const folder = makeFolder({ "shop/system.yml": system, "shop/runbooks/look.yml": runbook });
  try {
    const { catalog, problems } = loadCatalog(folder.path, cards);
    expect(problems.filter(({ level }) => level === "error")).toEqual([]);
    const does = catalog.runbooks[0]?.stages[0]?.steps[0]?.does;
    if (does?.kind !== "gate") throw new Error("There is no gate.");
    return does.gate;
  } finally {
    folder.remove();
  }
}

const asked = ({ role, escalate }: Gate) => [
  role,
  ...escalate.map((level) => `${level.role} after ${level.afterSeconds / 60} min`),
];

describe("who is asked, and when", () => {
  test.each([
    [
      "by role, from the beginning",
      "{ escalate: by-role, expires: 2h }",
      ["responder", "incident-commander after 5 min", "vp-engineering after 10 min", "cto after 15 min"],
    ],
    [
      "by minutes, from the beginning",
      "{ escalate: by-minutes, expires: 2h }",
      ["responder", "team-lead after 15 min", "engineering-manager after 30 min", "cto after 60 min"],
    ],
    [
      "by role, entered where the gate's role is",
      "{ role: vp-engineering, escalate: by-role }",
      ["vp-engineering", "cto after 5 min"],
    ],
    [
      "by minutes, entered where the gate's role is",
      "{ role: team-lead, escalate: by-minutes, expires: 2h }",
      ["team-lead", "engineering-manager after 15 min", "cto after 45 min"],
    ],
    [
      "as written in the gate itself",
      "{ role: responder, escalate: [{ role: cto, after: 5m }] }",
      ["responder", "cto after 5 min"],
    ],
  ])("%s", (_shape, gate, then) => {
    expect(asked(gateOf(gate))).toEqual(then);
  });

  test("silence is broken every two minutes, or as the gate says, or never", () => {
    const every = ["{ role: cto }", "{ role: cto, remind: 30s }", "{ role: cto, remind: 0s }"].map(
      (gate) => gateOf(gate).remindSeconds,
    );
    expect(every).toEqual([120, 30, 0]);
  });
});
