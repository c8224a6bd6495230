import { join } from "node:path";
import { cards } from "../../src/actions/index.ts";
import { breaksSomething } from "../../src/catalog/drill.ts";
import { sampleOf } from "../../src/catalog/input.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { movesOf } from "../../src/catalog/moves.ts";
import { planRunbook } from "../../src/catalog/plan.ts";
import type { PlanRequest } from "../../src/catalog/prepare.ts";
import type { Scalar } from "../../src/catalog/reference.ts";
import type { ActionCard, GateStep, Mode, Plan, Runbook, System } from "../../src/catalog/types.ts";
import type { Preflight } from "../../src/incident/events.ts";
import type { Declared, RunState } from "../../src/incident/state.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { ApprovalRequest } from "../../templates/messages/approval/gate.ts";
import { RecordedIncident } from "./recorded-incident.ts";
import { seenFor } from "./target-observations.ts";

/** Every runbook of every shipped system, planned, and a run of it that waits at its gates. */

const systems = join(projectRoot(), "templates", "systems");
const { catalog } = loadCatalog(systems, cards);

/** Values only an installation can give are guessed here, so an input may miss what its action demands of such a value. */
export const guessing = new Map([...cards].map(([id, card]) => [id, lenient(card)]));

function lenient(card: ActionCard): ActionCard {
  return {
    ...card,
    checkInput(input) {
      const checked = card.checkInput(input);
      return checked.ok ? checked : { ok: true, input };
    },
    resources: () => [],
  };
}

/** `[name, runbook, mode, back]`; those with a direction in both. */
export const everyRunbook = catalog.runbooks.flatMap((book) =>
  book.modes.flatMap((mode) =>
    (book.direction ? [false, true] : [false]).map(
      (back) => [`${book.system}/${book.id} ${mode}${back ? " back" : ""}`, book, mode, back] as const,
    ),
  ),
);

/** For real; what breaks its targets, as a drill in an environment of its own. */
export function planOf(book: Runbook, mode: Mode, back: boolean, from = catalog): { system: System; plan: Plan } {
  const system = from.systems.find(({ id }) => id === book.system) as System;
  const kind = breaksSomething(book, cards, mode) ? "drill" : "real";
  const inputs = new Map((book.inputs ?? []).map((input) => [input.name, sampleOf(input)]));
  const seen = seenFor(system, book, back);
  const values = { variables: valuesOf(system, ""), drillVariables: valuesOf(system, "drill-") };
  const request = { catalog: from, ...values, cards: guessing, inputs, seen };
  const planned = planRunbook({ ...request, system: system.id, runbook: book.id, mode, kind } as PlanRequest);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems, null, 2));
  return { system, plan: planned.plan };
}

function valuesOf(system: System, prefix: string): ReadonlyMap<string, ReadonlyMap<string, Scalar>> {
  const values = system.variables.map(
    ({ name, type }, i) => [name, type === "number" ? i + 1 : type === "boolean" ? false : `${prefix}${name}`] as const,
  );
  return new Map([[system.id, new Map(values)]]);
}

/**
 * A run of the plan, asked for, looked at, with nothing approved. What moves something moves it for the second time within the hour, with a
 * long reason.
 * @throws when it's refused
 */
export function asked(system: System, plan: Plan, seen: Preflight) {
  const story = new RecordedIncident(system);
  const person = system.people[0]?.id as string;
  story.ask(person, {
    type: "declare",
    title: "Down",
    system: system.id,
    severity: system.severities[0]?.id ?? "P1",
    kind: plan.kind,
    impactStartedAt: null,
    announceIn: null,
  });
  const book = catalog.runbooks.find(({ id, system: of }) => id === plan.runbook && of === system.id);
  const moves = book ? movesOf(book, system) : null;
  const at = new Date(story.now.getTime() - 600_000);
  const move = { run: "run-before", title: "It", from: "there", to: "here", at, until: at, resources: plan.resources };
  const again = "The other side lost its uplink, and its standby is far behind by now";
  story
    .request(person, plan, moves ? { moves, moved: [move], again } : {})
    .engine({ type: "run.preflighted", data: seen });
  const run = () => story.state.runs.get("run-4hx8w2pd") as RunState;
  const declared = story.state.declared as Declared;
  if (!declared || !run()) throw new Error("The run was refused.");
  return {
    story,
    declared,
    run,
    /** Opens a gate, and gives what its card is drawn from. */
    open(gate: GateStep): ApprovalRequest {
      story.open(gate.id, `ask-${gate.id}`);
      const state = run().steps.get(gate.id);
      if (state?.status !== "gate") throw new Error("The gate is not open.");
      return { state: story.state, run: run(), step: gate, gate: state.gate };
    },
  };
}
