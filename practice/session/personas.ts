import { loadCatalog } from "../../src/catalog/load.ts";
import type { Gate, Person, Runbook } from "../../src/catalog/types.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { Workspace } from "../slack/index.ts";

/** Accounts that may press buttons: everyone the workspace does not show as a guest, a stranger, gone or an app. */
export function membersOf(workspace: Workspace): ReadonlySet<string> {
  const may = workspace
    .snapshot()
    .users.filter((user) => !user.deleted && !user.is_bot && !user.is_restricted && !user.is_stranger);
  return new Set(may.map(({ id }) => id));
}

/**
 * Who asks for a run, by account. The one who asks can't approve: so someone whose role no gate of it needs, else someone
 * without whom enough are left. The roster's order decides among equals.
 */
/** It breaks what it is run on, so it's typed with `--drill`. */
export function isOnlyDrill(systemFolder: string, id: string): boolean {
  return loadCatalog(systemFolder).catalog.runbooks.some((one) => one.id === id && one.drill === true);
}

export function requesterOf(systemFolder: string, id: string, members: ReadonlySet<string>): string {
  const { systems, runbooks } = loadCatalog(systemFolder).catalog;
  const runbook = runbooks.find((one) => one.id === id);
  const people = (systems[0]?.people ?? []).filter(({ slack }) => slack.some((account) => members.has(account)));
  if (runbook === undefined)
    throw new LifeboatError({
      code: "runbook-unknown",
      where: systemFolder,
      what: `There is no runbook "${id}" without a mistake`,
      allowed: runbooks.map((one) => one.id).join(", "),
      next: `Run lifeboat lint ${systemFolder}`,
    });
  const gates = gatesOf(runbook);
  const seats = new Set(gates.flatMap(({ role, escalate }) => [role, ...escalate.map((level) => level.role)]));
  const free = people.find(({ roles }) => !roles.some((role) => seats.has(role)));
  const spare = people.find((person) => gates.every((gate) => canSpare(person, gate, people)));
  const account = (free ?? spare)?.slack.find((one) => members.has(one));
  if (account !== undefined) return account;
  throw new LifeboatError({
    code: "nobody-to-ask",
    where: runbook.title,
    what: "Everyone on its roster who is in the practice workspace is needed for its approvals",
    next: "Add a person of the practice workspace to the people of system.yml who holds none of its roles",
  });
}

function gatesOf({ stages }: Runbook): readonly Gate[] {
  return stages.flatMap(({ steps }) => steps.flatMap(({ does }) => (does.kind === "gate" ? [does.gate] : [])));
}

function canSpare(one: Person, { role, quorum }: Gate, people: readonly Person[]): boolean {
  return people.filter((person) => person.id !== one.id && person.roles.includes(role)).length >= quorum;
}
