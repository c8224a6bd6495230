import type { Catalog, Component, Gate, Mode, Occasion, Person, Role, Severity, System } from "./types.ts";

/**
 * What a system promised and demanded at one time: objectives, people and their roles, who decides what, and what is practised when. It is recorded
 * whenever it changes, so that a report on the past is read against what held then. No address, account, key or secret is in it.
 */
export interface Policy {
  readonly id: string;
  readonly title: string;
  readonly environment: System["environment"];
  readonly timezone: string | null;
  readonly components: readonly Pick<Component, "id" | "title" | "rtoSeconds" | "rpoSeconds">[];
  readonly severities: readonly Severity[];
  readonly roles: readonly Pick<Role, "id" | "title" | "perIncident">[];
  readonly people: readonly Pick<Person, "id" | "name" | "roles">[];
  readonly breakGlass: NonNullable<System["breakGlass"]> | null;
  readonly cadence: NonNullable<System["cadence"]>;
  readonly calendar: readonly Occasion[];
  readonly checklists: NonNullable<System["checklists"]>;
  readonly compliance: System["compliance"] | null;
  readonly runbooks: readonly RunbookPolicy[];
}

export interface RunbookPolicy {
  readonly id: string;
  readonly title: string;
  readonly component: string | null;
  readonly modes: readonly Mode[];
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  readonly gates: readonly ({ readonly step: string; readonly title: string } & Gate)[];
  /** Titles, in order. */
  readonly steps: readonly string[];
}

export function policyOf(system: System, { runbooks }: Pick<Catalog, "runbooks">): Policy {
  return {
    ...{ id: system.id, title: system.title, environment: system.environment, timezone: system.timezone ?? null },
    components: system.components.map(({ id, title, rtoSeconds, rpoSeconds }) => ({
      ...{ id, title, rtoSeconds, rpoSeconds },
    })),
    severities: system.severities,
    roles: system.roles.map(({ id, title, perIncident }) => ({ id, title, perIncident })),
    people: system.people.map(({ id, name, roles }) => ({ id, name, roles })),
    breakGlass: system.breakGlass ?? null,
    cadence: system.cadence ?? [],
    calendar: system.calendar ?? [],
    checklists: system.checklists ?? [],
    compliance: system.compliance ?? null,
    runbooks: runbooks.filter((one) => one.system === system.id).map(runbookPolicy),
  };
}

function runbookPolicy({ id, title, component, modes, rtoSeconds, rpoSeconds, stages }: Catalog["runbooks"][number]) {
  const steps = stages.flatMap((stage) => stage.steps);
  return {
    ...{ id, title, component, modes, rtoSeconds, rpoSeconds },
    gates: steps.flatMap((step) =>
      step.does.kind === "gate" ? [{ step: step.id, title: step.title, ...step.does.gate }] : [],
    ),
    steps: steps.map((step) => step.title),
  };
}

/** As much of a system as a report needs, as it was then. Nothing can be planned or performed with it. */
export function systemOfPolicy(policy: Policy): System {
  const { timezone, compliance, runbooks: _, ...kept } = policy;
  return {
    ...kept,
    ...(timezone !== null && { timezone }),
    ...(compliance && { compliance }),
    ...{ sites: [], variables: [], scripts: [] },
    components: kept.components.map((one) => ({ ...one, aliases: [] })),
    roles: kept.roles.map((one) => ({ ...one, explains: "" })),
    people: kept.people.map((one) => ({ ...one, slack: [] })),
  };
}

/** Where nothing is known of a system: what a timeline names, under the names it gives them. */
export function unknownPolicy(id: string): Policy {
  return {
    ...{ id, title: id, environment: "production", timezone: null, breakGlass: null, compliance: null },
    ...{
      components: [],
      severities: [],
      roles: [],
      people: [],
      cadence: [],
      calendar: [],
      checklists: [],
      runbooks: [],
    },
  };
}
